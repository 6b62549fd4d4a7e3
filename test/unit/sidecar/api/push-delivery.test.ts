import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { apiMetrics } from "../../../../sidecar/api/index.ts";
import { PushDelivery } from "../../../../sidecar/api/push-delivery.ts";
import {
  createMetrics,
  realTimers,
  realWallClock,
  silentLogger,
} from "../../../../sidecar/runtime/index.ts";
import { memoryNode } from "../../../support/api-fixture.ts";
import { eventually } from "../../../support/eventually.ts";
import type { MemoryNode } from "../../../support/memory-node.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An application on a port of 127.0.0.1; closed when the test ends. */
async function application(
  handle: Handle,
  port = 0,
): Promise<{ port: number; stop(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => handle(request, response, body));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    server.closeAllConnections();
    await closed.promise;
  };
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

interface Fixture {
  readonly node: MemoryNode;
  readonly delivery: PushDelivery;
  readonly metrics: ReturnType<typeof createMetrics>;
}

function deliverTo(port: number, over: { concurrency?: number; readyPath?: string } = {}): Fixture {
  const node = memoryNode();
  const metrics = createMetrics();
  const target = {
    capability: "resizer",
    port,
    path: "/work",
    readyPath: "",
    concurrency: 1,
    ...over,
  };
  const delivery = new PushDelivery(target, {
    node,
    logger: silentLogger,
    metrics: metrics.register(apiMetrics),
    timers: realTimers,
    wallClock: realWallClock,
    random: new SeededRandom(1),
  });
  onTestFinished(() => delivery.close(0));
  delivery.start();
  return { node, delivery, metrics };
}

const job = new Uint8Array([0x0a, 1, 0x61, 0x10, 7]);

describe("a delivery", () => {
  test("posts the request as JSON with its facts, and completes with the answer", async () => {
    const seen: { headers: IncomingMessage["headers"]; url: string; body: string }[] = [];
    const app = await application((request, response, body) => {
      seen.push({ headers: request.headers, url: request.url ?? "", body });
      response.setHeader("content-type", "application/json").end('{"width":7}');
    });
    const { node, metrics } = deliverTo(app.port);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await node.add("pictures", job, { traceparent, deadlineMs: 90_000 });
    await eventually(() => node.demands()[0]?.counts.done === 1);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ url: "/work", body: '{"url":"a","width":7}' });
    expect(seen[0]?.headers).toMatchObject({
      host: `127.0.0.1:${String(app.port)}`,
      "content-type": "application/json",
      "spillway-ticket": "t1",
      "spillway-attempt": "1",
      "spillway-lease": "t1-1",
      "spillway-deadline": "1m30s",
      traceparent,
    });
    const item = node.item("t1");
    expect(item.ok && item.value.outcome).toMatchObject({ result: new Uint8Array([0x10, 7]) });
    const text = await metrics.expose();
    expect(text).toContain(
      'spillway_push_deliveries_total{capability="resizer",verb="complete"} 1',
    );
    expect(text).toContain('spillway_push_accepting{capability="resizer"} 1');
  });

  test("rejects on 4xx, fails on 5xx and is tried again", async () => {
    let calls = 0;
    const app = await application((_request, response, body) => {
      calls += 1;
      response.statusCode = body.includes('"bad"') ? 400 : calls < 3 ? 503 : 200;
      response.end();
    });
    const { node } = deliverTo(app.port);
    await node.add("pictures", new Uint8Array(), {});
    await eventually(() => node.demands()[0]?.counts.done === 1);
    await node.add("pictures", new Uint8Array([0x0a, 3, 0x62, 0x61, 0x64]), {});
    await eventually(() => node.demands()[0]?.counts.dead === 1);
    expect(node.settled.map(({ verb }) => verb.verb)).toEqual([
      "fail",
      "fail",
      "complete",
      "reject",
    ]);
  });

  test("fails when the connection is reset after the request was sent", async () => {
    let calls = 0;
    const app = await application((request, response) => {
      calls += 1;
      if (calls === 1) request.socket.resetAndDestroy();
      else response.end();
    });
    const { node } = deliverTo(app.port);
    await node.add("pictures", job, {});
    await eventually(() => node.demands()[0]?.counts.done === 1);
    expect(node.settled[0]?.verb).toMatchObject({
      verb: "fail",
      error: { code: "CONNECTION_LOST", retryable: true },
    });
  });

  test("fails when the answer breaks off", async () => {
    let calls = 0;
    const app = await application((request, response) => {
      calls += 1;
      if (calls > 1) return void response.end();
      response.writeHead(200, { "content-type": "application/json", "content-length": "10" });
      response.write("{");
      setImmediate(() => request.socket.destroy());
    });
    const { node } = deliverTo(app.port);
    await node.add("pictures", job, {});
    await eventually(() => node.demands()[0]?.counts.done === 1);
    expect(node.settled[0]?.verb).toMatchObject({
      verb: "fail",
      error: { code: "CONNECTION_LOST" },
    });
  });

  test("closes the connection when the item is cancelled, then frees its slot", async () => {
    let cut: boolean | undefined;
    const app = await application((request) => {
      cut = false;
      request.socket.on("close", () => (cut = true));
    });
    const { node } = deliverTo(app.port);
    await node.add("pictures", job, {});
    // Not before the application has it: a connection that was never made is not seen to close.
    await eventually(() => cut === false);
    await node.cancel("t1");
    await eventually(() => cut);
    await eventually(() => node.listenedLeases === 0);
    expect(node.settled).toMatchObject([{ verb: { verb: "release" } }]);
  });

  test("posts the next item at once when the one in the only slot is cancelled", async () => {
    const bodies: string[] = [];
    const app = await application((_request, response, body) => {
      bodies.push(body);
      if (bodies.length > 1) response.end();
    });
    const { node } = deliverTo(app.port);
    node.slots = 1;
    await node.add("pictures", job, {});
    await node.add("pictures", new Uint8Array([0x10, 8]), {});
    await eventually(() => bodies.length === 1);
    await node.cancel("t1");
    await eventually(() => node.demands()[0]?.counts.done === 1);
    expect(bodies[1]).toBe('{"width":8}');
  });

  test("holds as many items at the application as its concurrency, and no more", async () => {
    const open: ServerResponse[] = [];
    const app = await application((_request, response) => void open.push(response));
    const { node, delivery } = deliverTo(app.port, { concurrency: 3 });
    for (let n = 0; n < 5; n++) await node.add("pictures", job, {});
    await eventually(() => open.length === 3);
    expect(node.demands()[0]?.counts).toMatchObject({ leased: 3, ready: 2 });
    expect(delivery.runningCount).toBe(3);
    open[0]?.end();
    await eventually(() => open.length === 4);
    for (let n = 1; n < 5; n++) {
      await eventually(() => open.length > n);
      open[n]?.end();
    }
    await eventually(() => node.demands()[0]?.counts.done === 5);
  });
});

function obstacleOf(node: MemoryNode): string | undefined {
  return node.obstacles.at(-1)?.detail;
}

describe("credit follows the port", () => {
  test("nothing is pulled until it accepts a connection; then at once", async () => {
    const reserved = await application(() => undefined);
    await reserved.stop();
    const { node, metrics } = deliverTo(reserved.port);
    expect(obstacleOf(node)).toBe(`application not probed yet on port ${String(reserved.port)}`);
    await node.add("pictures", job, {});
    await eventually(
      () => obstacleOf(node) === `application not listening on port ${String(reserved.port)}`,
    );
    expect(node.waitingPulls).toBe(0);
    expect(node.presences.size).toBe(0);
    expect(await metrics.expose()).toContain('spillway_push_accepting{capability="resizer"} 0');
    await application((_request, response) => void response.end(), reserved.port);
    await eventually(() => node.demands()[0]?.counts.done === 1);
    expect(node.obstacles.at(-1)).toBeUndefined();
  });

  test("a ready path must answer 2xx", async () => {
    let ready = false;
    const app = await application((request, response) => {
      if (request.url === "/ready") response.statusCode = ready ? 200 : 503;
      response.end();
    });
    const { node } = deliverTo(app.port, { readyPath: "/ready" });
    await node.add("pictures", job, {});
    await eventually(() => obstacleOf(node) === "application not ready: /ready answers 503");
    expect(node.demands()[0]?.counts.ready).toBe(1);
    ready = true;
    await eventually(() => node.demands()[0]?.counts.done === 1);
  });

  test("a refused connection releases the item and stops the pulls", async () => {
    const app = await application((_request, response) => void response.end());
    const { node } = deliverTo(app.port);
    await eventually(() => node.waitingPulls === 1);
    await app.stop();
    await node.add("pictures", job, {});
    await eventually(() => obstacleOf(node) !== undefined);
    expect(node.settled[0]?.verb).toMatchObject({ verb: "release" });
    await eventually(() => node.waitingPulls === 0);
    await application((_request, response) => void response.end(), app.port);
    await eventually(() => node.demands()[0]?.counts.done === 1);
  });
});

describe("closing", () => {
  test("takes the obstacle back at once: the next delivery says its own", () => {
    const { node, delivery } = deliverTo(1);
    expect(obstacleOf(node)).toBeDefined();
    void delivery.close(0);
    expect(node.obstacles).toHaveLength(2);
    expect(obstacleOf(node)).toBeUndefined();
  });

  test("lets items finish within the grace, pulls nothing more, ends the presence", async () => {
    const open: ServerResponse[] = [];
    const app = await application((_request, response) => void open.push(response));
    const { node, delivery } = deliverTo(app.port);
    await node.add("pictures", job, {});
    await node.add("pictures", job, {});
    await eventually(() => open.length === 1);
    expect(node.presences.size).toBe(1);
    const closed = delivery.close(5_000);
    open[0]?.end();
    await closed;
    expect(node.demands()[0]?.counts).toMatchObject({ done: 1, ready: 1 });
    expect(node.presences.size).toBe(0);
  });

  test("releases what has not finished after the grace, and cuts its connection", async () => {
    let cut = false;
    const app = await application((request) => void request.socket.on("close", () => (cut = true)));
    const { node, delivery } = deliverTo(app.port);
    await node.add("pictures", job, {});
    await eventually(() => delivery.runningCount === 1);
    await delivery.close(10);
    expect(node.settled[0]?.verb).toEqual({ verb: "release", reason: "the sidecar is ending" });
    await eventually(() => cut);
  });

  test("is quick while nothing listens, and harmless twice", async () => {
    const { delivery } = deliverTo(1);
    await delivery.close(5_000);
    await delivery.close(5_000);
  });
});
