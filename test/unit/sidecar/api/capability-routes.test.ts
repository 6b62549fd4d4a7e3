import { describe, expect, test } from "vitest";
import { apiFixture, type ApiFixture } from "../../../support/api-fixture.ts";
import { eventually } from "../../../support/eventually.ts";
import { open, openStream, socketCall } from "../../../support/socket-client.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const json = { "content-type": "application/json" };

function pull({ app }: ApiFixture, payload: object = {}, headers: Record<string, string> = {}) {
  return app.inject({ method: "POST", url: "/v1/capabilities/resizer/pull", payload, headers });
}

async function addItem({ app }: ApiFixture, headers: Record<string, string> = {}): Promise<void> {
  const call = { method: "POST", url: "/v1/demands/pictures/items", headers } as const;
  await app.inject({ ...call, payload: { url: "a", width: 7 } });
}

/** The same, listening. */
async function listening(): Promise<ApiFixture & { socketPath: string }> {
  const socketPath = `${temporaryFolder()}/app.sock`;
  const fixture = await apiFixture();
  await fixture.server.listen(socketPath);
  return { ...fixture, socketPath };
}

describe("pull", () => {
  test("answers up to max items, each with lease, attempt, request, deadline", async () => {
    const fixture = await apiFixture();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await addItem(fixture, { "spillway-deadline": "90s", traceparent });
    await addItem(fixture);
    await addItem(fixture);
    expect((await pull(fixture, { max: 2 })).json()).toEqual({
      items: [
        {
          ticket: "t1",
          lease: "t1-1",
          attempt: 1,
          request: { url: "a", width: 7 },
          deadline: "1m30s",
          traceparent,
        },
        { ticket: "t2", lease: "t2-1", attempt: 1, request: { url: "a", width: 7 } },
      ],
    });
    expect((await pull(fixture, { max: 100, wait: "0s" })).json().items).toHaveLength(1);
    expect((await pull(fixture, { wait: "0s" })).json()).toEqual({ items: [] });
  });

  test("gives one item as protobuf, its facts as headers, 204 when there is none", async () => {
    const fixture = await apiFixture();
    await addItem(fixture, { "spillway-deadline": "1s" });
    const accept = { accept: "application/x-protobuf" };
    const answer = await pull(fixture, {}, accept);
    expect(answer.headers).toMatchObject({
      "content-type": "application/x-protobuf",
      "spillway-ticket": "t1",
      "spillway-lease": "t1-1",
      "spillway-attempt": "1",
      "spillway-deadline": "1s",
    });
    expect(answer.rawPayload).toEqual(Buffer.from([0x0a, 1, 0x61, 0x10, 7]));
    expect((await pull(fixture, { wait: "0s" }, accept)).statusCode).toBe(204);
    expect((await pull(fixture, { max: 2 }, accept)).json()).toMatchObject({
      code: "INVALID_ARGUMENT",
      fieldPath: "max",
    });
  });

  test.each([
    [{ max: 0 }, "max"],
    [{ max: 101 }, "max"],
    [{ max: 1.5 }, "max"],
    [{ wait: "6m" }, "wait"],
    [{ wait: "x" }, "wait"],
    [{ wait: "-1s" }, "wait"],
    [{ waitSeconds: 1 }, "waitSeconds"],
  ])("refuses %j naming the field", async (body, fieldPath) => {
    const answer = await pull(await apiFixture(), body);
    expect(answer.json()).toMatchObject({ status: 400, code: "INVALID_ARGUMENT", fieldPath });
  });

  test("refuses an unknown capability and an unknown presence: 404", async () => {
    const fixture = await apiFixture();
    const url = "/v1/capabilities/other/pull";
    const unknown = await fixture.app.inject({ method: "POST", url, payload: {} });
    expect(unknown.json()).toMatchObject({ status: 404, code: "UNKNOWN_CAPABILITY" });
    const presence = await pull(fixture, {}, { "spillway-presence": "gone" });
    expect(presence.json()).toMatchObject({ status: 404, code: "UNKNOWN_PRESENCE" });
  });

  test("an item whose payload has no JSON form is rejected, not handed out", async () => {
    const fixture = await apiFixture();
    await fixture.node.add("pictures", new Uint8Array([0x0a, 9]), {});
    await addItem(fixture);
    const answer = await pull(fixture, { max: 2 });
    expect(answer.json().items).toMatchObject([{ ticket: "t2" }]);
    expect(fixture.node.settled).toMatchObject([
      { lease: "t1-1", verb: { verb: "reject", error: { code: "INVALID_PAYLOAD" } } },
    ]);
  });

  test("ends at the node when its client goes away while it waits", async () => {
    const { socketPath, node } = await listening();
    const path = "/v1/capabilities/resizer/pull";
    const call = open(socketPath, { method: "POST", path, headers: json, body: "{}" });
    await eventually(() => node.waitingPulls === 1);
    call.abort();
    await eventually(() => node.waitingPulls === 0);
  });

  test("gives its items back when the client goes away before it has them", async () => {
    const { socketPath, node, app } = await listening();
    // The node answers in the very moment in which the connection is cut.
    const pulled = node.pull.bind(node);
    const held = Promise.withResolvers<void>();
    node.pull = async (...args) => {
      const result = await pulled(args[0], args[1]);
      await held.promise;
      return result;
    };
    await app.inject({ method: "POST", url: "/v1/demands/pictures/items", payload: {} });
    const path = "/v1/capabilities/resizer/pull";
    const call = open(socketPath, { method: "POST", path, headers: json, body: "{}" });
    await eventually(() => node.demands()[0]?.counts.leased === 1);
    call.abort();
    // The server sees the end of the connection before it gets the items.
    await socketCall(socketPath, { path: "/v1/demands" });
    held.resolve();
    await eventually(() => node.demands()[0]?.counts.ready === 1);
    expect(node.settled[0]?.verb).toMatchObject({ verb: "release" });
  });
});

describe("presence", () => {
  const path = "/v1/capabilities/resizer/presence";

  test("tells its id first, is open while the stream is, and ends with it", async () => {
    const { socketPath, node } = await listening();
    const stream = await openStream(socketPath, path);
    await eventually(() => stream.events.length === 1);
    expect(stream.events[0]).toMatchObject({ event: "presence", data: '{"presence":"p1"}' });
    expect([...node.presences]).toEqual(["p1"]);
    stream.close();
    await eventually(() => node.presences.size === 0);
  });

  test("tells of leases that end, and forgets those that were settled", async () => {
    const fixture = await listening();
    const { socketPath, node } = fixture;
    const stream = await openStream(socketPath, path);
    await eventually(() => stream.events.length === 1);
    await addItem(fixture);
    await addItem(fixture);
    await pull(fixture, { max: 2 }, { "spillway-presence": "p1" });
    expect(node.listenedLeases).toBe(2);
    await fixture.app.inject({ method: "POST", url: "/v1/leases/t1-1/complete", payload: {} });
    expect(node.listenedLeases).toBe(1);
    await fixture.app.inject({ method: "DELETE", url: "/v1/items/t2" });
    await eventually(() => stream.events.length === 2);
    expect(stream.events[1]).toMatchObject({
      event: "lease-ended",
      data: '{"lease":"t2-1","reason":"cancelled by the producer"}',
    });
    expect(node.listenedLeases).toBe(0);
  });

  test("listens for no lease once its stream is closed", async () => {
    const fixture = await listening();
    const stream = await openStream(fixture.socketPath, path);
    await eventually(() => stream.events.length === 1);
    await addItem(fixture);
    await pull(fixture, {}, { "spillway-presence": "p1" });
    stream.close();
    await eventually(() => fixture.node.listenedLeases === 0);
  });

  test("refuses an unknown capability: 404 as a problem, not a stream", async () => {
    const { socketPath } = await listening();
    const answer = await socketCall(socketPath, { path: "/v1/capabilities/other/presence" });
    expect(JSON.parse(answer.text)).toMatchObject({ status: 404, code: "UNKNOWN_CAPABILITY" });
  });
});

describe("capabilities", () => {
  test("are listed in pages and shown one by one", async () => {
    const { app } = await apiFixture();
    expect((await app.inject("/v1/capabilities")).json()).toMatchObject({
      capabilities: [{ name: "resizer", request: "pictures.Job", slots: 1 }],
    });
    expect((await app.inject("/v1/capabilities?cursor=resizer")).json()).toEqual({
      capabilities: [],
    });
    expect((await app.inject("/v1/capabilities/resizer")).json()).toMatchObject({
      name: "resizer",
    });
    expect((await app.inject("/v1/capabilities/other")).statusCode).toBe(404);
    expect((await app.inject("/v1/capabilities?limit=1001")).statusCode).toBe(400);
  });
});
