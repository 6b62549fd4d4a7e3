import { describe, expect, onTestFinished, test } from "vitest";
import { apiMetrics, OpsServer } from "../../../../sidecar/api/index.ts";
import { createMetrics, realTimers, silentLogger } from "../../../../sidecar/runtime/index.ts";
import { memoryNode } from "../../../support/api-fixture.ts";
import { opsRoutes } from "../../../support/http-api-page.ts";

function opsServer() {
  const node = memoryNode();
  const metrics = createMetrics().register(apiMetrics);
  const shared = { metrics, logger: silentLogger, timers: realTimers };
  const server = new OpsServer({ ...shared, node, version: "1.2.3" });
  onTestFinished(() => server.close());
  const { app } = server;
  const call = (url: string, headers = {}, method: "GET" | "POST" = "GET", payload?: object) =>
    app.inject({
      method,
      url,
      headers: { host: "127.0.0.1:17080", ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  return { node, server, call, app };
}

describe("the ops listener", () => {
  test("lists peers in pages, by id", async () => {
    const { node, call } = opsServer();
    node.peerViews = ["c", "a", "b"].map((id) => ({
      id,
      addresses: [],
      sources: ["static"],
      connected: false,
      notConnected: "refused",
    }));
    const first = (await call("/v1/peers?limit=2")).json();
    expect(first.peers.map(({ id }: { id: string }) => id)).toEqual(["a", "b"]);
    expect(first.next).toBe("b");
    const second = (await call(`/v1/peers?limit=2&cursor=${String(first.next)}`)).json();
    expect(second).toEqual({
      peers: [expect.objectContaining({ id: "c", notConnected: "refused" })],
    });
  });

  test("says which version it is", async () => {
    expect((await opsServer().call("/v1/version")).json()).toEqual({ version: "1.2.3" });
  });

  test("shows an item, begins the drain", async () => {
    const { node, call } = opsServer();
    await node.add("pictures", new Uint8Array(), {});
    expect((await call("/v1/items/t1")).json()).toMatchObject({ ticket: "t1", state: "ready" });
    expect((await call("/v1/items/none")).json()).toMatchObject({ code: "UNKNOWN_TICKET" });
    expect((await call("/v1/drain", {}, "POST")).json()).toEqual({ drained: true });
    expect(node.drains).toBe(1);
  });

  test("adds an item, waits for it and explains it", async () => {
    const { call } = opsServer();
    const added = await call("/v1/demands/pictures/items", {}, "POST", { url: "a" });
    expect(added.statusCode).toBe(202);
    expect(added.json()).toEqual({ ticket: "t1", state: "ready" });
    const waited = await call("/v1/items/t1?wait=10ms");
    expect(waited.json()).toMatchObject({ state: "ready" });
    expect((await call("/v1/items/t1/explain")).json()).toEqual({
      state: "ready",
      reasons: [{ code: "NO_PROVIDER", message: "no provider connected", facts: {} }],
    });
    const wrong = await call("/v1/demands/pictures/items", {}, "POST", { url: 1 });
    expect(wrong.json()).toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  test("lists demands and capabilities", async () => {
    const { call } = opsServer();
    expect((await call("/v1/demands")).json()).toMatchObject({ demands: [{ name: "pictures" }] });
    expect((await call("/v1/capabilities")).json()).toMatchObject({
      capabilities: [{ name: "resizer" }],
    });
  });

  test("answers NOT_CONFIGURED about work until there is a configuration; peers and drain go", async () => {
    const { node, call } = opsServer();
    node.configured = false;
    for (const path of [
      "/v1/items/t1",
      "/v1/items/t1/explain",
      "/v1/demands",
      "/v1/capabilities",
    ]) {
      const answer = await call(path);
      expect(answer.statusCode).toBe(503);
      expect(answer.headers["retry-after"]).toBe("1");
      expect(answer.json()).toMatchObject({ code: "NOT_CONFIGURED" });
    }
    const added = await call("/v1/demands/pictures/items", {}, "POST", {});
    expect(added.json()).toMatchObject({ code: "NOT_CONFIGURED" });
    expect((await call("/v1/peers")).statusCode).toBe(200);
    expect((await call("/v1/drain", {}, "POST")).statusCode).toBe(200);
  });

  test("has these routes and no others: nothing that cancels, pulls or settles", async () => {
    const { app } = opsServer();
    await app.ready();
    const methods = app.printRoutes({ commonPrefix: false }).match(/\([A-Z, ]+\)/g);
    expect(methods?.toSorted()).toEqual(opsRoutes.map(({ method }) => `(${method})`).toSorted());
    for (const { method, path } of opsRoutes) {
      const url = path.replaceAll(/\{(\w+)\}/g, ":$1");
      expect(app.hasRoute({ method, url })).toBe(true);
    }
  });

  test.each([
    [{ origin: "http://evil.example" }],
    [{ origin: "null" }],
    [{ host: "evil.example:17080" }],
    [{ host: "127.0.0.1.evil.example" }],
  ])("refuses what a web page can send: %j", async (headers) => {
    const { node, call } = opsServer();
    const answer = await call("/v1/drain", headers, "POST");
    expect(answer.json()).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(node.drains).toBe(0);
  });

  test.each(["localhost:17080", "[::1]:17080", "127.0.0.1", "10.1.2.3:17080"])(
    "takes a call with Host %s",
    async (host) => {
      expect((await opsServer().call("/v1/peers", { host })).statusCode).toBe(200);
    },
  );
});
