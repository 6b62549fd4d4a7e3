import { describe, expect, onTestFinished, test } from "vitest";
import { AdminServer, apiMetrics } from "../../../../sidecar/api/index.ts";
import {
  createMetrics,
  Health,
  realTimers,
  silentLogger,
} from "../../../../sidecar/runtime/index.ts";

function adminServer(health = new Health()): AdminServer {
  const exposition = createMetrics();
  const server = new AdminServer({
    readiness: () => health.readiness(),
    exposition,
    metrics: exposition.register(apiMetrics),
    logger: silentLogger,
    timers: realTimers,
  });
  onTestFinished(() => server.close());
  return server;
}

describe("the admin listener", () => {
  test("is healthy while it answers, ready when nobody has a reason", async () => {
    const health = new Health();
    const { app } = adminServer(health);
    expect((await app.inject("/healthz")).json()).toEqual({ status: "ok" });
    expect((await app.inject("/readyz")).json()).toEqual({ ready: true, reasons: [] });
    health.set("config", "not configured yet");
    const answer = await app.inject("/readyz");
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ ready: false, reasons: ["not configured yet"] });
    expect((await app.inject("/healthz")).statusCode).toBe(200);
  });

  test("exposes the metrics", async () => {
    const answer = await adminServer().app.inject("/metrics");
    expect(answer.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.body).toContain("# TYPE spillway_api_requests_total counter");
  });

  test("has nothing else", async () => {
    const { app } = adminServer();
    for (const url of ["/v1/peers", "/v1/demands", "/", "/debug"]) {
      expect((await app.inject(url)).json()).toMatchObject({ code: "UNKNOWN_ROUTE" });
    }
    expect((await app.inject({ method: "POST", url: "/v1/drain" })).statusCode).toBe(404);
  });

  test("listens on a free port and says which; refuses one in use", async () => {
    const server = adminServer();
    const { host, port } = await server.listen({ host: "127.0.0.1", port: 0 });
    expect(port).toBeGreaterThan(0);
    expect((await fetch(`http://${host}:${String(port)}/healthz`)).status).toBe(200);
    await expect(adminServer().listen({ host, port })).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: expect.stringContaining(String(port)),
    });
  });
});
