/**
 * Defects of the package that end a process: each probe runs in a process of its own, on the bare
 * package and on ours. When a bare one lives, the package was mended: look at its row in
 * design/transport.md.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("./probes/process-ends.ts", import.meta.url));

async function run(probe: string, variant: "bare" | "ours") {
  const child = spawn(process.execPath, [script, probe, variant]);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { alive: stdout.endsWith("alive\n"), stdout, stderr };
}

describe.each([
  // Which of the two throws depends on how far the package has come with giving up.
  ["late handshake", /Client connected with no pending promise|Can not get http2 TLSSocket/],
  ["ping of a destroyed session", /ERR_HTTP2_INVALID_SESSION/],
  ["data for a stream of our own side", /Got bidirectional stream without asking for it/],
  ["nobody listens", /Opening handshake failed/],
  ["a request callback that throws", /a bug of the application/],
])("%s", (probe, message) => {
  it("ends a process that uses the bare package", async () => {
    const { alive, stderr } = await run(probe, "bare");
    expect(stderr).toMatch(message);
    expect(alive).toBe(false);
  });

  it("does not end ours", async () => {
    const { alive, stderr } = await run(probe, "ours");
    expect(stderr).toBe("");
    expect(alive).toBe(true);
  });
});

describe("text at start", () => {
  it("is printed by the bare package without its HTTP/3 part", async () => {
    const { stdout, stderr } = await run("text at start", "bare");
    expect((stdout + stderr).split("\n").length).toBeGreaterThan(20);
    expect(stderr + stdout).toContain("webtransport-transport-http3-quiche");
  });

  it("is not printed by ours", async () => {
    const { stdout, stderr } = await run("text at start", "ours");
    expect({ stdout, stderr }).toEqual({ stdout: "alive\n", stderr: "" });
  });
});
