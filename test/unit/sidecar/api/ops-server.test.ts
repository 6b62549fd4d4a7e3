import { describe, expect, onTestFinished, test } from "vitest";
import { apiMetrics, OpsServer } from "../../../../sidecar/api/index.ts";
import { createMetrics, realTimers, silentLogger } from "../../../../sidecar/runtime/index.ts";
import { memoryNode } from "../../../support/api-fixture.ts";

function opsServer() {
  const node = memoryNode();
  const metrics = createMetrics().register(apiMetrics);
  const server = new OpsServer({ node, metrics, logger: silentLogger, timers: realTimers });
  onTestFinished(() => server.close());
  const { app } = server;
  const call = (url: string, headers = {}, method: "GET" | "POST" = "GET") =>
    app.inject({ method, url, headers: { host: "127.0.0.1:17080", ...headers } });
  return { node, server, call };
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

  test("shows an item, begins the drain", async () => {
    const { node, call } = opsServer();
    await node.add("pictures", new Uint8Array(), {});
    expect((await call("/v1/items/t1")).json()).toMatchObject({ ticket: "t1", state: "ready" });
    expect((await call("/v1/items/none")).json()).toMatchObject({ code: "UNKNOWN_TICKET" });
    expect((await call("/v1/drain", {}, "POST")).json()).toEqual({ drained: true });
    expect(node.drains).toBe(1);
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
