/**
 * Question: how many items per second go the whole way (added, pulled by another process, result
 * recorded and back at the producer), and how long does one take, beside the queues that people use
 * for it: NATS JetStream with memory storage, and BullMQ over Redis?
 * Method: a producer's and a provider's process per system, 128-byte requests and results, 1, 64
 * and 256 items in flight, up to 256 at once at the provider; rounds visit the systems in turn, so
 * that a slow moment of the machine meets all of them; medians. Once with all processes, servers
 * included, on one core, once wherever the scheduler puts them.
 * Not asked: disks, several providers, real networks, the HTTP edge of the sidecar.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type BenchRow, type BenchRun, type BenchSize, ratio, summarise } from "../report.ts";
import type { RunAnswer, RunRequest } from "./process.ts";
import type { Setup, Spawn } from "./system.ts";
import { systems } from "./systems.ts";

const script = fileURLToPath(new URL("./process.ts", import.meta.url));
const flights = [1, 64, 256];

/** `small` must end within 60 s. */
const plans: Readonly<Record<BenchSize, { rounds: number; durationMs: number; warmUpMs: number }>> =
  {
    small: { rounds: 3, durationMs: 250, warmUpMs: 500 },
    real: { rounds: 7, durationMs: 1_000, warmUpMs: 2_500 },
  };

/** Where the processes run. */
type Placement = "free" | "one core";

/** A running system. */
interface Running {
  readonly name: string;
  readonly producer: ChildProcess;
  close(): void;
}

/** Runs the benchmark. */
export const runBench: BenchRun = async (size, progress) => {
  const names = Object.keys(systems).filter((name) => {
    const missing = systems[name]?.missing();
    if (missing !== undefined) progress(`${name} is left out: ${missing}`);
    return missing === undefined;
  });
  const canPin = spawnSync("taskset", ["-c", "0", "true"]).status === 0;
  if (!canPin) progress("taskset is missing (util-linux): the runs on one core are left out");
  const placements: readonly Placement[] = canPin ? ["free", "one core"] : ["free"];
  const rows: BenchRow[] = [];
  for (const placement of placements) {
    rows.push(...(await measure({ size, placement, names }, progress)));
  }
  return { rows, ratios: placements.flatMap((placement) => ratiosOf(rows, placement)) };
};

async function measure(
  plan: { size: BenchSize; placement: Placement; names: readonly string[] },
  progress: (line: string) => void,
): Promise<BenchRow[]> {
  const { size, placement, names } = plan;
  const { rounds, durationMs, warmUpMs } = plans[size];
  const all: Running[] = [];
  const rows = new Rows();
  try {
    for (const name of names) all.push(await startSystem(name, placement));
    for (const { producer } of all) await run(producer, { inFlight: 64, durationMs: warmUpMs });
    for (let round = 1; round <= rounds; round += 1) {
      progress(`${placement}: round ${String(round)} of ${String(rounds)}`);
      for (const inFlight of flights) {
        for (const { name, producer } of all) {
          const answer = await run(producer, { inFlight, durationMs });
          rows.add(caseName(inFlight, placement), name, answer);
        }
      }
    }
  } finally {
    for (const running of all) running.close();
  }
  return rows.summary();
}

/** Figures of single runs, by case and system. */
class Rows {
  readonly #rows = new Map<
    string,
    { row: { case: string; system: string; unit: string }; values: number[] }
  >();

  add(benchCase: string, system: string, answer: RunAnswer): void {
    this.#add({ case: benchCase, system, unit: "items/s" }, answer.perSecond);
    if (answer.trip === undefined) return;
    this.#add({ case: `${benchCase}, p50`, system, unit: "ms" }, answer.trip.medianMs);
    this.#add({ case: `${benchCase}, p99`, system, unit: "ms" }, answer.trip.p99Ms);
  }

  summary(): BenchRow[] {
    const all = [...this.#rows.values()];
    const cases = [...new Set(all.map(({ row }) => row.case))];
    return cases.flatMap((each) =>
      all.filter(({ row }) => row.case === each).map(({ row, values }) => summarise(row, values)),
    );
  }

  #add(row: { case: string; system: string; unit: string }, value: number): void {
    const key = `${row.case}|${row.system}`;
    const known = this.#rows.get(key) ?? { row, values: [] };
    known.values.push(value);
    this.#rows.set(key, known);
  }
}

function caseName(inFlight: number, placement: Placement): string {
  return `${String(inFlight)} in flight, ${placement}`;
}

async function startSystem(name: string, placement: Placement): Promise<Running> {
  const system = systems[name];
  if (system === undefined) throw new Error(`no system ${name}`);
  const children: ChildProcess[] = [];
  const prepared = await system.prepare(spawnOn(placement, "ignore"));
  const close = (): void => {
    for (const child of children) child.kill("SIGKILL");
    prepared.close();
  };
  const start = async (...args: string[]): Promise<[ChildProcess, Setup]> => {
    const child = spawnOn(placement, "ipc")(process.execPath, [
      ...nodeFlags(),
      script,
      name,
      ...args,
    ]);
    children.push(child);
    return [child, await firstMessage<Setup>(child, name)];
  };
  try {
    const setup = JSON.stringify(prepared.setup);
    const [producer, address] = await start("produce", setup);
    await start("provide", setup, JSON.stringify(address));
    producer.send("ready");
    await firstMessage(producer, name);
    return { name, producer, close };
  } catch (error) {
    close();
    throw error;
  }
}

function spawnOn(placement: Placement, channel: "ipc" | "ignore"): Spawn {
  return (program, args) => {
    const pinned = placement === "one core";
    const [command, rest] = pinned
      ? ["taskset", ["-c", "0", program, ...args]]
      : [program, [...args]];
    const stdout = channel === "ipc" ? "inherit" : "ignore";
    return spawn(command, rest, { stdio: ["ignore", stdout, stdout, channel] });
  };
}

/** Flags of the own Node, for example `--cpu-prof`, go on to the measured processes. */
function nodeFlags(): string[] {
  return process.execArgv;
}

async function firstMessage<T>(child: ChildProcess, name: string): Promise<T> {
  const stop = new AbortController();
  try {
    const ended = once(child, "exit", { signal: stop.signal }).then(([code]) => {
      throw new Error(`a process of ${name} ended with ${String(code)}`);
    });
    const [message] = await Promise.race([once(child, "message", { signal: stop.signal }), ended]);
    return message as T;
  } finally {
    stop.abort();
  }
}

async function run(producer: ChildProcess, request: RunRequest): Promise<RunAnswer> {
  const answer = firstMessage<RunAnswer>(producer, "a producer");
  producer.send(request);
  return answer;
}

/** The figures of the design that this benchmark decides; those of a rival that is there. */
function ratiosOf(rows: readonly BenchRow[], placement: Placement) {
  const goals = { "nats jetstream": ">= 6", bullmq: ">= 20" } as const;
  const rate = (inFlight: number, system: string): number =>
    rows.find((row) => row.case === caseName(inFlight, placement) && row.system === system)
      ?.median ?? Number.NaN;
  return Object.entries(goals).flatMap(([rival, goal]) =>
    [64, 256]
      .map((inFlight) => ({ inFlight, value: rate(inFlight, "spillway") / rate(inFlight, rival) }))
      .filter(({ value }) => !Number.isNaN(value))
      .map(({ inFlight, value }) =>
        ratio(`items ÷ ${rival}, ${caseName(inFlight, placement)}`, value, goal),
      ),
  );
}
