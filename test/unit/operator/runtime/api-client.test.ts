import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ApiClient, ApiError } from "../../../../operator/runtime/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/fake-api-server.ts";
import { runtimeRig, widget, widgets, widgetsPath } from "../../../support/runtime-rig.ts";

let server: FakeApiServer;
let client: ApiClient;
let rig: ReturnType<typeof runtimeRig>;
const place = { namespace: "default", name: "a" };

beforeEach(async () => {
  server = await FakeApiServer.start();
  rig = runtimeRig();
  client = rig.client(server);
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

describe("the verbs", () => {
  it("send what the API expects of each", async () => {
    await client.create(widgets, widget("a"), { fieldManager: "me", dryRun: true });
    const stored = await client.get(widgets, place);
    await client.update(widgets, stored, { subresource: undefined });
    await client.apply(widgets, widget("a", 3), { fieldManager: "me" });
    await client.patch(widgets, place, { type: "json", patch: {} });
    await client.delete(widgets, place, { uid: "uid-1" });
    const sent = server.requests.map(({ method, url, headers }) => [
      method,
      url.replace(widgetsPath, ""),
      headers["content-type"],
    ]);
    expect(sent).toEqual([
      ["POST", "?fieldManager=me&dryRun=All", "application/json"],
      ["GET", "/a", undefined],
      ["PUT", "/a", "application/json"],
      ["PATCH", "/a?fieldManager=me&force=true", "application/apply-patch+yaml"],
      ["PATCH", "/a", "application/json-patch+json"],
      ["DELETE", "/a", "application/json"],
    ]);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer token");
    expect(server.requests[0]?.body).toMatchObject({
      apiVersion: "example.com/v1",
      kind: "Widget",
    });
    expect(server.requests[5]?.body).toMatchObject({ preconditions: { uid: "uid-1" } });
  });

  it("take what is gone already as deleted", async () => {
    await expect(client.delete(widgets, place)).resolves.toBeUndefined();
  });

  it("read a collection page by page", async () => {
    for (const name of ["a", "b", "c"]) server.put(widgetsPath, widget(name));
    const first = await client.list(widgets, { namespace: "default", limit: 2 });
    const { continueToken } = first;
    const rest = await client.list(widgets, { namespace: "default", limit: 2, continueToken });
    const names = [...first.items, ...rest.items].map(({ metadata }) => metadata.name);
    expect(names).toEqual(["a", "b", "c"]);
    expect(rest.continueToken).toBeUndefined();
  });

  it("work over connections that are kept", async () => {
    for (let at = 0; at < 20; at++) await client.list(widgets);
    // One may be opened while another is being given back; a connection for each would be 20.
    expect(server.connectionCount).toBeLessThanOrEqual(2);
  });

  it("send another manager's wish to a subresource", async () => {
    server.put(widgetsPath, widget("a"));
    const options = { fieldManager: "me", force: false, subresource: "status" };
    await client.apply(widgets, widget("a"), options);
    await client.apply(widgets, widget("a"), { fieldManager: "me", fieldValidation: "Ignore" });
    expect(server.requests.map(({ url }) => url.replace(widgetsPath, ""))).toEqual([
      "/a/status?fieldManager=me&force=false",
      "/a?fieldManager=me&fieldValidation=Ignore&force=true",
    ]);
  });
});

describe("a refusal", () => {
  it.each([
    [400, "BAD_REQUEST"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [409, "CONFLICT"],
    [410, "GONE"],
    [422, "INVALID"],
    [418, "REFUSED"],
  ])("of status %i is %s, with the server's reason and words", async (answer, code) => {
    server.fail({ answer, reason: "Because" });
    const refused = await client.get(widgets, place).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ code, status: answer, reason: "Because" });
    expect(String(refused)).toContain("refused: Because");
  });

  it("by an address where nobody listens is UNREACHABLE, after some attempts", async () => {
    await server.stop();
    const attempt = client.create(widgets, widget("a"), { timeoutMs: 3_000 });
    const outcome = attempt.catch((error: unknown) => error);
    let over = false;
    void outcome.then(() => (over = true));
    await eventually(async () => {
      await rig.time.elapse(100);
      return over;
    });
    expect(await outcome).toMatchObject({ code: "UNREACHABLE", unsent: true });
    server = await FakeApiServer.start();
  });
});

describe("a repetition", () => {
  async function afterPause(waitMs: number): Promise<void> {
    const before = server.requests.length;
    await eventually(() => server.requests.length >= 1 && rig.time.timerCount === 1);
    await rig.time.elapse(waitMs - 1);
    expect(server.requests.length).toBe(Math.max(before, 1));
    await rig.time.elapse(200);
  }

  it("waits as long as the server asked, also for a create", async () => {
    server.fail({ answer: 429, retryAfter: 1, reason: "TooManyRequests" });
    const created = client.create(widgets, widget("a"));
    await afterPause(1_000);
    expect((await created).metadata.name).toBe("a");
    expect(server.requests.length).toBe(2);
  });

  it("of a read follows a broken connection; a create that broke is not sent again", async () => {
    server.put(widgetsPath, widget("b"));
    server.fail({ answer: "reset" });
    const read = client.get(widgets, { ...place, name: "b" });
    await afterPause(50);
    expect((await read).metadata.name).toBe("b");
    server.fail({ answer: "reset" });
    const created = client.create(widgets, widget("c"));
    await expect(created).rejects.toMatchObject({ code: "UNREACHABLE", unsent: false });
  });

  it("with fresh credentials follows the first 401, and only that one", async () => {
    server.fail({ answer: 401, times: 1 });
    server.put(widgetsPath, widget("a"));
    const read = client.get(widgets, place);
    let over = false;
    void read.then(() => (over = true));
    await eventually(async () => {
      await rig.time.elapse(1);
      return over;
    });
    expect(server.requests.length).toBe(2);
  });

  it("ends when its caller says so", async () => {
    server.fail({ answer: 429, retryAfter: 5, times: 9 });
    const ending = new AbortController();
    const read = client.get(widgets, place, { signal: ending.signal });
    const outcome = read.catch((error: unknown) => error);
    await eventually(() => server.requests.length === 1 && rig.time.timerCount === 1);
    ending.abort();
    expect(await outcome).toMatchObject({ code: "ABORTED" });
    expect(rig.time.timerCount).toBe(0);
  });

  it("does not go on beyond the time of the request", async () => {
    server.fail({ answer: "silence" });
    const read = client.get(widgets, place, { timeoutMs: 500 });
    const outcome = read.catch((error: unknown) => error);
    await eventually(() => server.requests.length === 1);
    await rig.time.elapse(500);
    expect(await outcome).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("a guard of writes", () => {
  it("refuses every write and no read while it says no", async () => {
    let leads = false;
    const guarded = client.guardedBy(() => leads);
    server.put(widgetsPath, widget("a"));
    const writes = [
      guarded.create(widgets, widget("b")),
      guarded.update(widgets, widget("a")),
      guarded.apply(widgets, widget("a"), { fieldManager: "me" }),
      guarded.patch(widgets, place, { type: "merge", patch: {} }),
      guarded.delete(widgets, place),
      guarded.request({ method: "POST", path: "/apis/example.com/v1/things", body: {} }),
    ];
    for (const write of writes)
      await expect(write).rejects.toMatchObject({ code: "WRITE_REFUSED" });
    expect(server.requests).toEqual([]);
    expect((await guarded.get(widgets, place)).metadata.name).toBe("a");
    leads = true;
    await guarded.delete(widgets, place);
    expect(server.get(`${widgetsPath}/a`)).toBeUndefined();
  });

  it("is asked again when the connection is there: what waited for it is not written", async () => {
    let asked = 0;
    const guarded = client.guardedBy(() => ++asked === 1);
    const write = guarded.create(widgets, widget("b"));
    await expect(write).rejects.toMatchObject({ code: "WRITE_REFUSED", unsent: true });
    expect(asked).toBe(2);
    expect(server.requests).toEqual([]);
  });
});

describe("a request", () => {
  it("is counted under its status, method and host", async () => {
    await client.list(widgets);
    await client.get(widgets, place).catch(() => undefined);
    const text = await rig.metrics.expose();
    const host = new URL(server.url).host;
    expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="${host}"} 1`);
    expect(text).toContain(`rest_client_requests_total{code="404",method="GET",host="${host}"} 1`);
  });

  it("of a closed client is ABORTED", async () => {
    await client.close();
    await expect(client.list(widgets)).rejects.toMatchObject({ code: "ABORTED" });
  });
});
