import { describe, expect, test } from "vitest";
import { LeaseTokenWriter, TicketWriter } from "../../../../sidecar/core/work/ticket.ts";
import { apiFixture, type ApiFixture } from "../../../support/api-fixture.ts";

/** Adds an item and leases it. */
async function leased({ app, node }: ApiFixture): Promise<string> {
  await app.inject({ method: "POST", url: "/v1/demands/pictures/items", payload: { url: "a" } });
  const pulled = await node.pull("resizer", { max: 1, waitMs: 0 });
  return pulled.ok ? (pulled.value[0]?.lease ?? "") : "";
}

function verb({ app }: ApiFixture, lease: string, name: string, payload?: object) {
  const url = `/v1/leases/${lease}/${name}`;
  return app.inject({ method: "POST", url, ...(payload === undefined ? {} : { payload }) });
}

describe("complete", () => {
  test("takes the response message as JSON and as protobuf", async () => {
    const fixture = await apiFixture();
    const json = await verb(fixture, await leased(fixture), "complete", {
      image: "AAE=",
      width: 3,
    });
    expect(json.json()).toEqual({ state: "done", cancelled: false });
    const binary = await fixture.app.inject({
      method: "POST",
      url: `/v1/leases/${await leased(fixture)}/complete`,
      headers: { "content-type": "application/x-protobuf" },
      payload: Buffer.from([0x0a, 2, 0, 1, 0x10, 3]),
    });
    expect(binary.statusCode).toBe(200);
    const results = fixture.node.settled.map(({ verb: settled }) =>
      settled.verb === "complete" ? Buffer.from(settled.result) : undefined,
    );
    expect(results[0]).toEqual(results[1]);
  });

  test("refuses what is no response message: 422, and the lease is kept", async () => {
    const fixture = await apiFixture();
    const lease = await leased(fixture);
    const answer = await verb(fixture, lease, "complete", { image: "not base64!" });
    expect(answer.json()).toMatchObject({
      status: 422,
      code: "INVALID_PAYLOAD",
      fieldPath: "image",
      detail: expect.stringContaining("pictures.Picture"),
    });
    expect(fixture.node.settled).toEqual([]);
    expect((await verb(fixture, lease, "complete", {})).statusCode).toBe(200);
  });

  test("refuses a lease that was never granted (404) and one that is gone (409)", async () => {
    const fixture = await apiFixture();
    const unknown = await verb(fixture, "x9-1", "complete", {});
    expect(unknown.json()).toMatchObject({ status: 404, code: "UNKNOWN_LEASE" });
    const lease = await leased(fixture);
    await verb(fixture, lease, "release");
    const stale = await verb(fixture, lease, "complete", {});
    expect(stale.json()).toMatchObject({ status: 409, code: "STALE_LEASE" });
  });

  test("looks for a lease as pools write it", async () => {
    const ticket = new TicketWriter({ nodeId: "web-0", incarnation: 1 }).write(1);
    const lease = new LeaseTokenWriter(1).write(ticket, 1) ?? "";
    const answer = await verb(await apiFixture(), lease, "complete", {});
    expect(answer.json()).toMatchObject({ code: "UNKNOWN_LEASE" });
  });
});

describe("fail, reject, release, heartbeat", () => {
  test("fail: retryable with a delay and an error whose details are JSON", async () => {
    const fixture = await apiFixture();
    const error = { code: "BUSY", message: "busy", details: { a: [1] } };
    const lease = await leased(fixture);
    const answer = await verb(fixture, lease, "fail", { delay: "1m30s", error });
    expect(answer.json()).toEqual({ state: "ready", cancelled: false });
    expect(fixture.node.settled[0]?.verb).toEqual({
      verb: "fail",
      delayMs: 90_000,
      error: { code: "BUSY", message: "busy", retryable: true, details: '{"a":[1]}' },
    });
  });

  test("fail: not retryable when it says so; reject never is", async () => {
    const fixture = await apiFixture();
    await verb(fixture, await leased(fixture), "fail", { retryable: false });
    await verb(fixture, await leased(fixture), "reject", { error: { message: "bad" } });
    expect(fixture.node.settled.map(({ verb: settled }) => settled)).toEqual([
      { verb: "fail", error: { code: "", message: "", retryable: false, details: "" } },
      { verb: "reject", error: { code: "", message: "bad", retryable: false, details: "" } },
    ]);
  });

  test("release and heartbeat need no body", async () => {
    const fixture = await apiFixture();
    const lease = await leased(fixture);
    expect((await verb(fixture, lease, "heartbeat")).json()).toMatchObject({ state: "leased" });
    await verb(fixture, lease, "heartbeat", { progress: "50 %" });
    expect((await verb(fixture, lease, "release")).json()).toMatchObject({ state: "ready" });
    expect(fixture.node.settled.map(({ verb: settled }) => settled)).toEqual([
      { verb: "heartbeat" },
      { verb: "heartbeat", progress: "50 %" },
      { verb: "release", reason: "the application released it" },
    ]);
  });

  test.each([
    ["fail", { delay: "soon" }, "delay"],
    ["fail", { retryable: "perhaps" }, "retryable"],
    ["fail", { error: { code: "x".repeat(65) } }, "error.code"],
    ["fail", { error: { message: "x".repeat(4_097) } }, "error.message"],
    ["fail", { error: { details: "x".repeat(16 * 1024) } }, "error.details"],
    ["fail", { error: { extra: 1 } }, "error.extra"],
    ["fail", { retry: true }, "retry"],
    ["reject", { error: "bad" }, "error"],
    ["release", { reason: "x".repeat(4_097) }, "reason"],
    ["heartbeat", { progress: "x".repeat(257) }, "progress"],
  ])("%s refuses %.40j naming the field", async (name, body, fieldPath) => {
    const fixture = await apiFixture();
    const answer = await verb(fixture, await leased(fixture), name, body);
    expect(answer.json()).toMatchObject({ status: 400, code: "INVALID_ARGUMENT", fieldPath });
    expect(fixture.node.settled).toEqual([]);
  });

  test("refuses a body over 128 KiB: 413 with the bound", async () => {
    const fixture = await apiFixture();
    const payload = { error: { details: "x".repeat(200_000) } };
    const answer = await verb(fixture, await leased(fixture), "fail", payload);
    expect(answer.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE", bound: 128 * 1024 });
  });
});
