import { describe, expect, test } from "vitest";
import { apiFixture, type ApiFixture } from "../../../support/api-fixture.ts";
import { eventually } from "../../../support/eventually.ts";

const longKey = "x".repeat(257);
const items = "/v1/demands/pictures/items";

interface AddCall {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function add({ app }: ApiFixture, { headers = {}, body = { url: "a" } }: AddCall = {}) {
  return app.inject({ method: "POST", url: items, headers, payload: body as object });
}

/** Pulls one item as a worker would and completes it. */
async function workOnce({ node }: ApiFixture, image = "AAE="): Promise<string> {
  const pulled = await node.pull("resizer", { max: 1, waitMs: 1_000 });
  const item = pulled.ok ? pulled.value[0] : undefined;
  const result = Buffer.concat([Buffer.from([0x0a, 2]), Buffer.from(image, "base64")]);
  await node.settle(item?.lease ?? "", { verb: "complete", result: new Uint8Array(result) });
  return item?.ticket ?? "";
}

describe("POST items", () => {
  test("adds a JSON item: 202, ticket, state, Location", async () => {
    const fixture = await apiFixture();
    const answer = await add(fixture);
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ ticket: "t1", state: "ready" });
    expect(answer.headers["location"]).toBe("/v1/items/t1");
  });

  test("adds a binary item", async () => {
    const fixture = await apiFixture();
    const headers = { "content-type": "application/x-protobuf" };
    const body = Buffer.from([0x0a, 1, 0x61, 0x10, 5]);
    expect((await add(fixture, { headers, body })).statusCode).toBe(202);
    const pulled = await fixture.node.pull("resizer", { max: 1, waitMs: 0 });
    expect(pulled.ok && Buffer.from(pulled.value[0]?.request ?? [])).toEqual(body);
  });

  test("an empty binary body is the empty message", async () => {
    const fixture = await apiFixture();
    const headers = { "content-type": "application/x-protobuf", "content-length": "0" };
    expect((await add(fixture, { headers, body: Buffer.alloc(0) })).statusCode).toBe(202);
  });

  test("hands every header on to the node", async () => {
    const fixture = await apiFixture();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await add(fixture, {
      headers: {
        "idempotency-key": "k1",
        "spillway-priority": "9",
        "spillway-delay": "250ms",
        "spillway-deadline": "1h30m",
        "spillway-fairness-key": "f",
        "spillway-ordering-key": "o",
        "spillway-submitter": "s",
        traceparent,
      },
    });
    expect(fixture.node.optionsOf("t1")).toEqual({
      idempotencyKey: "k1",
      priority: 9,
      delayMs: 250,
      deadlineMs: 5_400_000,
      fairnessKey: "f",
      orderingKey: "o",
      submitter: "s",
      traceparent,
    });
  });

  test("a malformed trace context is dropped, as the standard asks", async () => {
    const fixture = await apiFixture();
    for (const traceparent of [
      "x",
      `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
      `ff-${"1".repeat(32)}-b7ad6b7169203331-01`,
    ]) {
      await add(fixture, { headers: { traceparent } });
    }
    for (const ticket of ["t1", "t2", "t3"]) {
      expect(fixture.node.optionsOf(ticket)).toEqual({});
    }
  });

  test.each([
    ["spillway-priority", "10", 9],
    ["spillway-priority", "-1", 0],
    ["spillway-priority", "high", "integer"],
    ["spillway-delay", "5", undefined],
    ["spillway-deadline", "soon", undefined],
    ["spillway-fairness-key", longKey, 256],
    ["spillway-ordering-key", "é", "^[ -~]+$"],
    ["idempotency-key", longKey, 256],
    ["prefer", "wait=301", "5m"],
    ["prefer", "wait=x", undefined],
  ])("refuses the header %s: %.20s, naming it and its bound", async (name, value, bound) => {
    const answer = await add(await apiFixture(), { headers: { [name]: value } });
    expect(answer.statusCode).toBe(400);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    const problem: { fieldPath: string } = answer.json();
    expect(problem).toMatchObject({ code: "INVALID_ARGUMENT", status: 400 });
    if (bound === undefined) expect(problem).not.toHaveProperty("bound");
    else expect(problem).toHaveProperty("bound", bound);
    const written = name.replace(/(^|-)[a-z]/g, (it) => it.toUpperCase());
    expect(problem.fieldPath).toBe(`headers.${written}`);
  });

  test("refuses a payload that is no such message: 422 with type, field and rule", async () => {
    const fixture = await apiFixture();
    const answer = await add(fixture, { body: { parts: [{}, { width: -1 }] } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      code: "INVALID_PAYLOAD",
      fieldPath: "parts[1].width",
      detail: expect.stringContaining("pictures.Job"),
    });
    const headers = { "content-type": "application/x-protobuf" };
    const binary = await add(fixture, { headers, body: Buffer.from([0x0a, 9]) });
    expect(binary.json()).toMatchObject({ code: "INVALID_PAYLOAD" });
    const json = { "content-type": "application/json" };
    expect((await add(fixture, { headers: json, body: Buffer.from("{") })).statusCode).toBe(422);
  });

  test("refuses other media types, and none: 415 naming those it takes", async () => {
    const fixture = await apiFixture();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "nonsense"]) {
      const answer = await add(fixture, {
        headers: { "content-type": type },
        body: Buffer.from("{}"),
      });
      expect(answer.statusCode).toBe(415);
      expect(answer.json()).toMatchObject({
        detail: expect.stringContaining("application/x-protobuf"),
      });
    }
    const none = await fixture.app.inject({ method: "POST", url: items });
    expect(none.statusCode).toBe(415);
  });

  test("refuses what is over the bounds: 413 with bound", async () => {
    const fixture = await apiFixture();
    const headers = { "content-type": "application/x-protobuf" };
    const large = Buffer.alloc(16 * 1024 * 1024);
    const answer = await add(fixture, { headers, body: large });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ bound: 16 * 1024 * 1024 - 65_536, value: large.length });
    const body = Buffer.alloc(25 * 1024 * 1024);
    const larger = await add(fixture, { headers, body });
    expect(larger.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE", bound: 24 * 1024 * 1024 });
  });

  test("the same idempotency key: the same ticket; with another payload: 409", async () => {
    const fixture = await apiFixture();
    const headers = { "idempotency-key": "k" };
    expect((await add(fixture, { headers })).json()).toMatchObject({ ticket: "t1" });
    expect((await add(fixture, { headers })).json()).toMatchObject({ ticket: "t1" });
    const other = await add(fixture, { headers, body: { url: "b" } });
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  });

  test("a full queue: 429 with bound and Retry-After in whole seconds, rounded up", async () => {
    const fixture = await apiFixture();
    fixture.node.maxItems = 1;
    await add(fixture);
    const answer = await add(fixture);
    expect(answer.statusCode).toBe(429);
    expect(answer.headers["retry-after"]).toBe("3");
    expect(answer.json()).toMatchObject({ code: "QUEUE_FULL", bound: 1 });
  });

  test("an unknown demand: 404; a name that is none: 400", async () => {
    const { app } = await apiFixture();
    const unknown = await app.inject({
      method: "POST",
      url: "/v1/demands/other/items",
      payload: {},
    });
    expect(unknown.json()).toMatchObject({ status: 404, code: "UNKNOWN_DEMAND" });
    for (const name of ["Pictures", "-a", "a-", "a".repeat(64), "a_b", "a%2fb"]) {
      const url = `/v1/demands/${name}/items`;
      const answer = await app.inject({ method: "POST", url, payload: {} });
      expect(answer.json()).toMatchObject({ code: "INVALID_ARGUMENT", fieldPath: "path.demand" });
    }
  });
});

describe("Prefer: wait", () => {
  test("answers 200 with the item once there is an outcome", async () => {
    const fixture = await apiFixture();
    const answer = add(fixture, { headers: { prefer: "respond-async, wait=10" } });
    await workOnce(fixture);
    const { statusCode, headers, ...rest } = await answer;
    expect(statusCode).toBe(200);
    expect(headers["preference-applied"]).toBe("wait=10");
    expect(JSON.parse(rest.body)).toMatchObject({
      ticket: "t1",
      demand: "pictures",
      state: "done",
      attempts: { acquired: 1, failed: 0 },
      createdAt: "2026-11-21T00:00:00.000Z",
      provider: "worker-0",
      outcome: { run: 1, result: { image: "AAE=" } },
    });
  });

  test("answers 202 when the time is over first", async () => {
    const answer = await add(await apiFixture(), { headers: { prefer: "wait=0" } });
    expect(answer.statusCode).toBe(202);
  });

  test("answers the bare result to who prefers protobuf", async () => {
    const fixture = await apiFixture();
    const accept = "application/x-protobuf, application/json;q=0.5";
    const answer = add(fixture, { headers: { prefer: "wait=10", accept } });
    await workOnce(fixture);
    const { headers, rawPayload } = await answer;
    expect(headers["content-type"]).toBe("application/x-protobuf");
    expect(headers["spillway-ticket"]).toBe("t1");
    expect(headers["spillway-state"]).toBe("done");
    expect(rawPayload).toEqual(Buffer.from([0x0a, 2, 0, 1]));
  });
});

describe("GET items", () => {
  test("answers the item as it is", async () => {
    const fixture = await apiFixture();
    await add(fixture, { headers: { "spillway-priority": "7" } });
    const answer = await fixture.app.inject("/v1/items/t1");
    expect(answer.json()).toMatchObject({ ticket: "t1", state: "ready", priority: 7 });
    expect(answer.json()).not.toHaveProperty("outcome");
  });

  test("waits for the outcome, in seconds or as a duration", async () => {
    const fixture = await apiFixture();
    for (const wait of ["10", "10s", "0.5", "500ms"]) {
      await add(fixture);
      const ticket = (await fixture.app.inject("/v1/demands/pictures")).json().counts.done + 1;
      const answer = fixture.app.inject(`/v1/items/t${String(ticket)}?wait=${wait}`);
      await workOnce(fixture);
      expect((await answer).json()).toMatchObject({ state: "done" });
    }
  });

  test("answers the unfinished item when the time is over", async () => {
    const fixture = await apiFixture();
    await add(fixture);
    expect((await fixture.app.inject("/v1/items/t1?wait=0")).json()).toMatchObject({
      state: "ready",
    });
  });

  test.each([
    ["/v1/items/none", 404, "UNKNOWN_TICKET"],
    ["/v1/items/lost", 410, "QUEUE_LOST"],
    ["/v1/items/far", 421, "TICKET_ELSEWHERE"],
    ["/v1/items/t1?wait=301", 400, "INVALID_ARGUMENT"],
    ["/v1/items/t1?wait=-1", 400, "INVALID_ARGUMENT"],
    ["/v1/items/t1?wat=1", 400, "INVALID_ARGUMENT"],
    ["/v1/items/a.b", 400, "INVALID_ARGUMENT"],
    [`/v1/items/${"a".repeat(513)}`, 400, "INVALID_ARGUMENT"],
  ])("%s answers %i %s", async (url, status, code) => {
    const { app } = await apiFixture();
    expect((await app.inject(url)).json()).toMatchObject({ status, code });
  });

  test("shows the application's error, its details as JSON or as the text they are", async () => {
    const fixture = await apiFixture();
    for (const details of ['{"a":1}', "not json", ""]) {
      await add(fixture);
      const pulled = await fixture.node.pull("resizer", { max: 1, waitMs: 0 });
      const error = { code: "BAD", message: "bad", retryable: false, details };
      const lease = pulled.ok ? (pulled.value[0]?.lease ?? "") : "";
      await fixture.node.settle(lease, { verb: "reject", error });
    }
    const errors = await Promise.all(
      ["t1", "t2", "t3"].map(
        async (ticket) => (await fixture.app.inject(`/v1/items/${ticket}`)).json().outcome.error,
      ),
    );
    expect(errors.map(({ details }) => details)).toEqual([{ a: 1 }, "not json", undefined]);
    expect(errors[0]).toMatchObject({ code: "BAD", message: "bad", retryable: false });
  });
});

describe("DELETE items", () => {
  test("cancels, and again: the same answer", async () => {
    const fixture = await apiFixture();
    await add(fixture);
    for (let call = 0; call < 2; call++) {
      const answer = await fixture.app.inject({ method: "DELETE", url: "/v1/items/t1" });
      expect(answer.json()).toMatchObject({
        state: "cancelled",
        outcome: { system: { code: "CANCELLED" } },
      });
    }
  });

  test("refuses an item that ended otherwise: 409", async () => {
    const fixture = await apiFixture();
    await add(fixture);
    await workOnce(fixture);
    const answer = await fixture.app.inject({ method: "DELETE", url: "/v1/items/t1" });
    expect(answer.json()).toMatchObject({ status: 409, code: "ALREADY_ENDED" });
  });
});

describe("batch", () => {
  const url = `${items}/batch`;

  test("answers one entry for each item, in order: a ticket or its own problem", async () => {
    const fixture = await apiFixture();
    const payload = {
      items: [
        { request: { url: "a" }, options: { priority: 9, delay: "1s" } },
        { request: { width: "wide" } },
        { request: {}, options: { deadline: "x" } },
        { request: { url: "b" } },
      ],
    };
    const answer = await fixture.app.inject({ method: "POST", url, payload });
    expect(answer.statusCode).toBe(200);
    expect(answer.json().items).toMatchObject([
      { ticket: "t1", state: "ready" },
      { problem: { code: "INVALID_PAYLOAD", fieldPath: "items[1].request.width" } },
      { problem: { code: "INVALID_ARGUMENT", fieldPath: "items[2].options.deadline" } },
      { ticket: "t2" },
    ]);
    expect(fixture.node.optionsOf("t1")).toEqual({ priority: 9, delayMs: 1_000 });
  });

  test.each([
    [{}, "items"],
    [{ items: [] }, "items"],
    [{ items: {} }, "items"],

    [{ items: [{}] }, "items[0].request"],
    [{ items: [{ request: {}, options: { priority: 11 } }] }, "items[0].options.priority"],
    [{ items: [{ request: {}, options: { prio: 1 } }] }, "items[0].options.prio"],
    [{ items: [{ request: {}, extra: 1 }] }, "items[0].extra"],
    [{ items: [{ request: {} }], more: 1 }, "more"],
  ])("refuses %j as a whole, naming the field", async (payload, fieldPath) => {
    const { app } = await apiFixture();
    const answer = await app.inject({ method: "POST", url, payload });
    expect(answer.json()).toMatchObject({ status: 400, code: "INVALID_ARGUMENT", fieldPath });
  });

  test("refuses more than 1,000 items", async () => {
    const { app } = await apiFixture();
    const payload = { items: Array.from({ length: 1_001 }, () => ({ request: {} })) };
    const answer = await app.inject({ method: "POST", url, payload });
    expect(answer.json()).toMatchObject({ status: 400, fieldPath: "items", bound: 1_000 });
  });

  test("a nested value beyond the bound is refused, not parsed", async () => {
    const { app } = await apiFixture();
    const payload = `{"items":[{"request":${'{"parts":['.repeat(60_000)}`;
    const headers = { "content-type": "application/json" };
    const answer = await app.inject({ method: "POST", url, headers, payload });
    expect(answer.json()).toMatchObject({ status: 400, detail: expect.stringContaining("nested") });
  });
});

test("with overflow wait an add is answered once there is room", async () => {
  const fixture = await apiFixture();
  fixture.node.maxItems = 1;
  fixture.node.waitForRoom = true;
  await add(fixture);
  let answered = false;
  const second = add(fixture).then((answer) => {
    answered = true;
    return answer;
  });
  await eventually(() => fixture.node.demands()[0]?.counts.ready === 1);
  expect(answered).toBe(false);
  await workOnce(fixture);
  expect((await second).statusCode).toBe(202);
});
