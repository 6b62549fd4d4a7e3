import { expect, test } from "vitest";
import { ApiExchange, maxAnswerBytes } from "../../../../operator/runtime/api-exchange.ts";

/** What undici hands to a handler, and why it was ended. */
function controller() {
  const reasons: Error[] = [];
  const abort = (reason: Error) => reasons.push(reason);
  return { reasons, abort, aborted: false, paused: false, reason: null, pause() {}, resume() {} };
}

test("what is ended before it has a connection fails at once, and is not sent later", async () => {
  const exchange = new ApiExchange({});
  const reason = new Error("over");
  exchange.end(reason);
  await expect(exchange.answer).rejects.toBe(reason);
  const late = controller();
  exchange.onRequestStart(late);
  expect(late.reasons).toEqual([reason]);
});

test("what may not be written any more is ended where it would be", () => {
  const guarded = controller();
  new ApiExchange({ mayWrite: () => false }).onRequestStart(guarded);
  expect(guarded.reasons).toMatchObject([{ code: "WRITE_REFUSED", unsent: true }]);
});

test("an answer is whole, though characters are cut in two and others come before it", async () => {
  const exchange = new ApiExchange({});
  const at = controller();
  exchange.onRequestStart(at);
  exchange.onResponseStart(at, 103, {});
  exchange.onResponseStart(at, 429, { "retry-after": ["7", "8"] });
  const bytes = Buffer.from("größer");
  for (const byte of bytes) exchange.onResponseData(at, Buffer.from([byte]));
  exchange.onResponseEnd();
  expect(await exchange.answer).toEqual({
    status: 429,
    retryAfter: "7",
    ok: false,
    text: "größer",
  });
});

test("an answer is read as soon as it is whole, and fails as its reader does", async () => {
  for (const read of [JSON.parse, () => fail()]) {
    const exchange = new ApiExchange({ read });
    const at = controller();
    exchange.onRequestStart(at);
    exchange.onResponseStart(at, 201, {});
    exchange.onResponseData(at, Buffer.from("[7]"));
    exchange.onResponseEnd();
    const answer = exchange.answer.catch((error: unknown) => error);
    const expected = read === JSON.parse ? { ok: true, value: [7] } : { message: "unread" };
    expect(await answer).toMatchObject(expected);
  }
});

function fail(): never {
  throw new Error("unread");
}

test("a sink gets what is in an answer of 200, and nothing of another", async () => {
  const told: unknown[] = [];
  const sink = { onStatus: (it: number) => told.push(it), onChunk: () => told.push("bytes") };
  for (const status of [200, 500]) {
    const exchange = new ApiExchange({ sink });
    const at = controller();
    exchange.onRequestStart(at);
    exchange.onResponseStart(at, status, {});
    exchange.onResponseData(at, Buffer.from("x"));
    exchange.onResponseEnd();
    expect(await exchange.answer).toMatchObject(status === 200 ? { ok: true } : { text: "x" });
  }
  expect(told).toEqual([200, "bytes", 500]);
});

test("an answer that is too long is refused before it is held", () => {
  const exchange = new ApiExchange({});
  const at = controller();
  exchange.onRequestStart(at);
  exchange.onResponseStart(at, 200, {});
  const half = Buffer.alloc(maxAnswerBytes / 2);
  exchange.onResponseData(at, half);
  exchange.onResponseData(at, half);
  expect(() => {
    exchange.onResponseData(at, Buffer.alloc(1));
  }).toThrow(/more than 33554432 bytes; ask for smaller pages/);
});
