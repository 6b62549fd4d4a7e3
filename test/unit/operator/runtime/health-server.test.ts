import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { HealthServer, RuntimeMetrics } from "../../../../operator/runtime/index.ts";

let server: HealthServer | undefined;

afterEach(async () => {
  await server?.close();
});

async function serve(readiness: Readonly<Record<string, () => string | undefined>> = {}) {
  const metrics = new RuntimeMetrics();
  server = new HealthServer({ host: "127.0.0.1", port: 0, readiness, metrics: [metrics] });
  const port = await server.listen();
  const ask = async (path: string, method: "GET" | "POST" = "GET") => {
    const answer = await request(`http://127.0.0.1:${port}${path}`, { method });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
  return { ask, metrics, port };
}

describe("a health server", () => {
  it("answers ok while every check does", async () => {
    const { ask } = await serve({ caches: () => undefined });
    expect(await ask("/healthz")).toMatchObject({ status: 200, text: "ok" });
    expect(await ask("/readyz")).toMatchObject({ status: 200, text: "ok" });
    expect((await ask("/readyz?verbose")).text).toBe("[+]caches ok\n");
  });

  it("says which check fails and why, also when a check throws", async () => {
    const { ask } = await serve({
      caches: () => "pods are not listed yet",
      other: () => {
        throw new Error("broken");
      },
    });
    const { status, text } = await ask("/readyz");
    expect(status).toBe(500);
    expect(text).toBe("[-]caches failed: pods are not listed yet\n[-]other failed: broken\n");
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("shows metrics in the form of Prometheus", async () => {
    const { ask, metrics } = await serve();
    metrics.leader.set({ name: "lock" }, 1);
    const { status, headers, text } = await ask("/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/plain; version=/);
    expect(text).toContain('leader_election_master_status{name="lock"} 1');
  });

  it("refuses everything else", async () => {
    const { ask } = await serve();
    expect((await ask("/debug")).status).toBe(404);
    expect((await ask("/healthz", "POST")).status).toBe(405);
  });

  it("says when its port is taken", async () => {
    const { port } = await serve();
    const second = new HealthServer({ host: "127.0.0.1", port, metrics: [] });
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
