/**
 * The main job under faults, on real processes. The same campaign at its real size: npm run
 * torture.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import sharp from "sharp";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { copyExample, type RunningFolder, startFolder } from "../support/running-folder.ts";
import { tortureThumbnails } from "../torture/thumbnails.ts";

async function start(): Promise<RunningFolder> {
  const { folder, port } = await copyExample("thumbnails");
  return again(folder, port);
}

async function again(folder: string, port: number): Promise<RunningFolder> {
  const running = await startFolder(folder, port);
  onTestFinished(() => running.remove());
  return running;
}

async function uploadOne(port: number): Promise<number> {
  const image = await sharp({
    create: { width: 400, height: 300, channels: 3, background: "#3060c0" },
  })
    .png()
    .toBuffer();
  const url = `http://127.0.0.1:${String(port)}/thumbnails?width=128`;
  const response = await fetch(url, { method: "POST", body: new Uint8Array(image) });
  const body = Buffer.from(await response.arrayBuffer());
  expect(response.status, body.toString("utf8").slice(0, 500)).toBe(200);
  return (await sharp(body).metadata()).width;
}

/** Pids of all programs and sidecars of a folder, and the folder of its sockets. */
function tracesOf(running: RunningFolder): { pids: number[]; stateFolder: string } {
  const { programs } = running.status();
  const pids = programs.flatMap(({ pid, sidecar }) => [pid, sidecar.pid]);
  const [first] = programs;
  if (first === undefined) throw new Error("no programs");
  return {
    pids: pids.filter((pid) => pid !== null),
    stateFolder: dirname(first.sidecar.socketPath),
  };
}

function alive(pid: number): boolean {
  try {
    // A zombie has ended; only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  } catch {
    return false;
  }
}

function sharedMemory(): string[] {
  const folder = "/dev/shm";
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.includes("spillway")) : [];
}

describe("thumbnails under faults", () => {
  it("gives every upload its thumbnail while workers and their sidecars are killed", {
    timeout: 120_000,
  }, async () => {
    const report = await tortureThumbnails({
      uploads: 30,
      kills: 6,
      killEveryMs: 2_000,
      seed: 7,
    });
    expect(report.wrong).toEqual([]);
    expect(report.right).toBe(30);
    expect(report.doubled).toBe(0);
    expect(report.outcomes).toBe(30);
    expect(report.kills).toBeGreaterThanOrEqual(6);
    expect(report.slowestMs).toBeLessThan(40_000);
  });

  it("Ctrl-C ends everything within 10 s and leaves nothing behind", {
    timeout: 90_000,
  }, async () => {
    const running = await start();
    expect(await uploadOne(running.port)).toBe(128);
    const { pids, stateFolder } = tracesOf(running);
    expect(pids.length).toBe(8);
    expect(pids.filter(alive)).toEqual(pids);
    expect(stateFolder.startsWith(process.env["XDG_RUNTIME_DIR"] ?? tmpdir())).toBe(true);
    const startMs = performance.now();
    const code = await running.end("SIGINT");
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(code).toBe(0);
    expect(pids.filter(alive)).toEqual([]);
    expect(existsSync(stateFolder)).toBe(false);
    expect(sharedMemory()).toEqual([]);
  });

  it("after kill -9 of up everything ends by itself, and up starts again", {
    timeout: 120_000,
  }, async () => {
    const running = await start();
    const { pids, stateFolder } = tracesOf(running);
    await running.end("SIGKILL");
    await eventually(() => pids.filter(alive).length === 0, {
      timeoutMs: 10_000,
      what: "the end of sidecars and programs",
    });
    const second = await again(running.folder, running.port);
    expect(await uploadOne(second.port)).toBe(128);
    await second.end("SIGINT");
    expect(existsSync(stateFolder)).toBe(false);
  });
});
