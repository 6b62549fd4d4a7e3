/**
 * The main job under fire: uploads spread over a minute while random workers and workers' sidecars
 * get SIGKILL. Every upload must get its own right thumbnail, and every ticket exactly one outcome.
 */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import sharp from "sharp";
import { SeededRandom } from "../support/seeded-random.ts";
import { copyExample, startFolder } from "../support/running-folder.ts";
import type { RunningFolder, StatusProgram } from "../support/running-folder.ts";

/** Size of a campaign. */
export interface ThumbnailTortureOptions {
  readonly uploads: number;
  /** Kills that are made at least; one every `killEveryMs`. */
  readonly kills: number;
  readonly killEveryMs: number;
  readonly seed: number;
}

/** What was counted. */
export interface ThumbnailTortureReport {
  readonly uploads: number;
  readonly right: number;
  readonly wrong: readonly string[];
  readonly slowestMs: number;
  readonly kills: number;
  /** Kills of a program or sidecar that held a lease at that moment. */
  readonly killsWithLease: number;
  readonly killsOfSidecars: number;
  /** Tickets with more than one outcome event at the producer. */
  readonly doubled: number;
  readonly outcomes: number;
  /** Peak resident memory by sidecar name, MiB; the greatest over its restarts. */
  readonly peakMiB: Readonly<Record<string, number>>;
}

const uploadsAtOnce = 16;

/** Runs a campaign on a copy of the thumbnails example. */
export async function tortureThumbnails(
  options: ThumbnailTortureOptions,
): Promise<ThumbnailTortureReport> {
  const { folder, port } = await copyExample("thumbnails");
  const running = await startFolder(folder, port);
  try {
    return await campaign(running, options);
  } finally {
    await running.remove();
  }
}

async function campaign(
  running: RunningFolder,
  options: ThumbnailTortureOptions,
): Promise<ThumbnailTortureReport> {
  const random = new SeededRandom(options.seed);
  const outcomes = new OutcomeCounter(webOf(running));
  const memory = new MemoryWatch();
  const killer = new Killer(running, memory, random);
  const uploads = uploadAll(running.port, options);
  let uploading = true;
  void uploads.finally(() => {
    uploading = false;
  });
  for (let beat = 0; uploading || killer.kills < options.kills; beat += 1) {
    await delay(options.killEveryMs - Math.min(options.killEveryMs / 2, killer.lastWaitMs));
    if (killer.kills < options.kills || uploading) await killer.killOne();
  }
  const results = await uploads;
  await delay(500);
  memory.look(running.status().programs);
  const events = outcomes.close();
  return {
    uploads: results.length,
    right: results.filter((result) => result.wrong === undefined).length,
    wrong: results.flatMap((result) => result.wrong ?? []),
    slowestMs: Math.round(Math.max(...results.map((result) => result.tookMs))),
    kills: killer.kills,
    killsWithLease: killer.killsWithLease,
    killsOfSidecars: killer.killsOfSidecars,
    doubled: [...events.values()].filter((count) => count > 1).length,
    outcomes: events.size,
    peakMiB: memory.peakMiB(),
  };
}

interface UploadResult {
  readonly tookMs: number;
  /** Undefined when the thumbnail is the right one. */
  readonly wrong: string | undefined;
}

/** Spreads the uploads over as many beats as kills take, at most 16 at a time. */
async function uploadAll(
  port: number,
  options: ThumbnailTortureOptions,
): Promise<readonly UploadResult[]> {
  const spreadMs = options.kills * options.killEveryMs;
  const results: Promise<UploadResult>[] = [];
  let open = 0;
  const startMs = performance.now();
  for (let index = 0; index < options.uploads; index += 1) {
    const dueMs = startMs + (spreadMs * index) / options.uploads;
    while (performance.now() < dueMs || open >= uploadsAtOnce) await delay(5);
    open += 1;
    results.push(
      upload(port, index).finally(() => {
        open -= 1;
      }),
    );
  }
  return Promise.all(results);
}

/** One upload of an image of one colour, large enough that making its thumbnail takes a while. */
async function upload(port: number, index: number): Promise<UploadResult> {
  const colour = { r: (index * 67) % 256, g: (index * 131) % 256, b: (index * 29) % 256 };
  const width = 64 + (index % 64);
  const image = await sharp({
    create: { width: 2_400, height: 1_800, channels: 3, background: colour },
  })
    .png()
    .toBuffer();
  const startMs = performance.now();
  const wrong = await judge(port, { image, width, colour }).catch((error: unknown) =>
    String(error),
  );
  return { tookMs: performance.now() - startMs, wrong };
}

async function judge(
  port: number,
  sent: { image: Buffer; width: number; colour: { r: number; g: number; b: number } },
): Promise<string | undefined> {
  const url = `http://127.0.0.1:${String(port)}/thumbnails?width=${String(sent.width)}`;
  const response = await fetch(url, { method: "POST", body: new Uint8Array(sent.image) });
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return `${String(response.status)}: ${body.toString("utf8")}`;
  const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
  if (info.width !== sent.width) return `${String(info.width)} pixels wide`;
  const [r = -1, g = -1, b = -1] = data;
  const near = (a: number, c: number): boolean => Math.abs(a - c) <= 12;
  const same = near(r, sent.colour.r) && near(g, sent.colour.g) && near(b, sent.colour.b);
  return same
    ? undefined
    : `colour ${[r, g, b].join()} instead of ${Object.values(sent.colour).join()}`;
}

/** Kills a random worker program or a random worker's sidecar. */
class Killer {
  kills = 0;
  killsWithLease = 0;
  killsOfSidecars = 0;
  /** How long the last kill waited for its victim to hold a lease. */
  lastWaitMs = 0;
  readonly #running: RunningFolder;
  readonly #memory: MemoryWatch;
  readonly #random: SeededRandom;

  constructor(running: RunningFolder, memory: MemoryWatch, random: SeededRandom) {
    this.#running = running;
    this.#memory = memory;
    this.#random = random;
  }

  async killOne(): Promise<void> {
    const { programs } = this.#running.status();
    this.#memory.look(programs);
    const workers = programs.filter((program) => program.name === "worker");
    const victim = workers[Math.floor(this.#random.next() * workers.length)];
    if (victim === undefined) throw new Error("no worker in the status");
    const sidecar = this.#random.next() < 0.5;
    const pid = sidecar ? victim.sidecar.pid : victim.pid;
    if (pid === null) return;
    const startMs = performance.now();
    const leased = await waitForLease(victim, 900);
    this.lastWaitMs = performance.now() - startMs;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      return;
    }
    this.kills += 1;
    if (sidecar) this.killsOfSidecars += 1;
    if (leased) this.killsWithLease += 1;
  }
}

async function waitForLease(victim: StatusProgram, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    const view = await getJson(victim.sidecar.socketPath, "/v1/capabilities/thumbnails").catch(
      () => undefined,
    );
    if (view !== undefined && (view as { running: number }).running > 0) return true;
    await delay(4);
  }
  return false;
}

/** The greatest VmHWM that was seen of each sidecar. */
class MemoryWatch {
  readonly #peakKiB = new Map<string, number>();

  look(programs: readonly StatusProgram[]): void {
    for (const { name, replica, sidecar } of programs) {
      const key = `${name}-${String(replica)}`;
      const kib = sidecar.pid === null ? 0 : peakKiBOf(sidecar.pid);
      this.#peakKiB.set(key, Math.max(kib, this.#peakKiB.get(key) ?? 0));
    }
  }

  peakMiB(): Record<string, number> {
    return Object.fromEntries(
      [...this.#peakKiB].map(([name, kib]) => [name, Math.round(kib / 1_024)]),
    );
  }
}

function peakKiBOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function webOf(running: RunningFolder): StatusProgram {
  const web = running.status().programs.find((program) => program.name === "web");
  if (web === undefined) throw new Error("no web program in the status");
  return web;
}

/** Counts the outcome events of each ticket on the producer's own stream. */
class OutcomeCounter {
  readonly #events = new Map<string, number>();
  readonly #request: ReturnType<typeof httpRequest>;

  constructor(web: StatusProgram) {
    let rest = "";
    this.#request = httpRequest(
      { socketPath: web.sidecar.socketPath, path: "/v1/demands/thumbnails/outcomes" },
      (response) => {
        response.setEncoding("utf8").on("data", (chunk: string) => {
          rest += chunk;
          const lines = rest.split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) this.#line(line);
        });
        response.on("error", () => undefined);
      },
    );
    this.#request.on("error", () => undefined);
    this.#request.end();
  }

  close(): ReadonlyMap<string, number> {
    this.#request.destroy();
    return this.#events;
  }

  #line(line: string): void {
    if (!line.startsWith("data:")) return;
    const { ticket } = JSON.parse(line.slice("data:".length)) as { ticket: string };
    this.#events.set(ticket, (this.#events.get(ticket) ?? 0) + 1);
  }
}

function getJson(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, timeout: 1_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        try {
          resolve(JSON.parse(body));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
    request.end();
  });
}
