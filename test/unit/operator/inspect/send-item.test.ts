import { describe, expect, test } from "vitest";
import {
  type Answer,
  type Call,
  type Place,
  sendItem,
} from "../../../../operator/inspect/index.ts";

const request = { demand: "thumbs", json: "{}", waitSeconds: undefined };

function demands(...names: string[]): Answer {
  const of = (name: string): object => ({
    ...{ name, request: "a.Q", response: "a.R", counts: {}, desiredProviders: 1, maxProviders: 2 },
  });
  return { ok: true, status: 200, body: { demands: names.map(of) } };
}

/** A place that holds these demands and answers an add so; `calls` gets what it was asked. */
function place(name: string, held: Answer, added: Answer, calls: Call[] = []): Place {
  return {
    name,
    nodeId: name,
    ask: async (call) => {
      calls.push(call);
      return call.method === "GET" ? held : added;
    },
  };
}

const accepted: Answer = { ok: true, status: 202, body: { ticket: "t-1", state: "ready" } };
const silent: Answer = { ok: false, reason: "nobody there" };

describe("send", () => {
  test("adds the item where the demand is held", async () => {
    const calls: Call[] = [];
    const of = [
      place("a", silent, silent),
      place("b", demands("other"), silent),
      place("c", demands("thumbs"), accepted, calls),
    ];
    const answer = await sendItem(of, { ...request, json: '{"width": 1}' });
    expect(answer).toEqual({ status: 202, body: { ticket: "t-1", state: "ready" }, good: true });
    expect(calls.at(-1)).toEqual({
      method: "POST",
      path: "/v1/demands/thumbs/items",
      headers: {},
      body: '{"width": 1}',
      timeoutMs: 10_000,
    });
  });

  test.each([
    [{ result: {} }, true],
    [{ resultProtobuf: "" }, true],
    [{ error: { code: "BAD" } }, false],
    [{ system: { code: "CANCELLED" } }, false],
  ])("waited for, an outcome %j is good: %s", async (outcome, good) => {
    const calls: Call[] = [];
    const done: Answer = { ok: true, status: 200, body: { outcome } };
    const of = [place("a", demands("thumbs"), done, calls)];
    expect((await sendItem(of, { ...request, waitSeconds: 5 })).good).toBe(good);
    expect(calls.at(-1)).toMatchObject({ headers: { prefer: "wait=5" }, timeoutMs: 15_000 });
  });

  test("a refusal of the sidecar is handed on, and no good", async () => {
    const full: Answer = { ok: true, status: 429, body: { code: "QUEUE_FULL" } };
    const answer = await sendItem([place("a", demands("thumbs"), full)], request);
    expect(answer).toMatchObject({ status: 429, good: false });
  });

  test.each([
    [{ code: "INVALID_PAYLOAD" }, ""],
    [{ code: "INVALID_ARGUMENT" }, ""],
    [{ code: "PAYLOAD_TOO_LARGE", bound: 16, value: 17 }, ": 17 is beyond the bound 16"],
    [{ code: "PAYLOAD_TOO_LARGE", bound: 16 }, ": it is beyond the bound 16"],
  ])("a message that the sidecar finds bad is refused with its words: %j", async (facts, size) => {
    const bad: Answer = { ok: true, status: 422, body: { ...facts, detail: "Field x: unknown." } };
    await expect(sendItem([place("a", demands("thumbs"), bad)], request)).rejects.toMatchObject({
      code: "INPUT_REFUSED",
      message: `the request message is refused as ${facts.code}${size}. Field x: unknown.`,
    });
  });

  test("an unknown demand is refused with those there are", async () => {
    const of = [place("a", demands("x"), silent), place("b", demands("y"), silent)];
    await expect(sendItem(of, request)).rejects.toMatchObject({
      code: "UNKNOWN_DEMAND",
      message: expect.stringContaining(
        'no sidecar holds a demand "thumbs" (those there are: x, y)',
      ),
    });
  });

  test("nobody who answers, or no answer to the add, is told apart from an unknown demand", async () => {
    await expect(sendItem([place("a", silent, silent)], request)).rejects.toMatchObject({
      code: "NOTHING_ANSWERS",
      message: expect.stringContaining("the sidecar of a does not answer: nobody there"),
    });
    await expect(sendItem([place("a", demands("thumbs"), silent)], request)).rejects.toMatchObject({
      code: "NOTHING_ANSWERS",
    });
  });

  test("JSON that is none is refused before anybody is asked", async () => {
    await expect(sendItem([], { ...request, json: "{bad" })).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
  });
});
