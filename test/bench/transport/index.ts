/**
 * Question: how much of plain TCP's speed is left for a message on a peer lane, with mutual TLS,
 * framing, credit and heartbeat on, and how does that compare with gRPC and with the bare package?
 * Method: two processes per system, echo of 128 B and 4 KiB with 1 and 64 in flight; rounds visit
 * the systems in turn, so that a slow moment of the machine meets all of them; medians. Once with
 * all processes on one core, once wherever the scheduler puts them: its choice moves TCP by 3 ×.
 * Not asked: many peers, real networks, large messages.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type BenchRow, type BenchRun, type BenchSize, ratio, summarise } from "../report.ts";
import type { RunAnswer, RunRequest } from "./process.ts";
import { makePems } from "./bench-credentials.ts";
import { systems } from "./systems.ts";

const script = fileURLToPath(new URL("./process.ts", import.meta.url));

const cases = [128, 4096].flatMap((sizeBytes) =>
  [1, 64].map((inFlight) => ({ sizeBytes, inFlight })),
);

/**
 * `small` must end within 60 s, `real` within 4 min. Each case is warmed: what V8 has not compiled
 * yet says nothing of a lane that lives for days.
 */
const plans: Readonly<Record<BenchSize, { rounds: number; durationMs: number; warmUpMs: number }>> =
  {
    small: { rounds: 3, durationMs: 150, warmUpMs: 400 },
    real: { rounds: 5, durationMs: 600, warmUpMs: 1_000 },
  };

/** Where the processes run. */
type Placement = "free" | "one core";

/** A running pair. */
interface Pair {
  readonly name: string;
  readonly server: ChildProcess;
  readonly client: ChildProcess;
}

/** Runs the benchmark. */
export const runBench: BenchRun = async (size, progress) => {
  const canPin = spawnSync("taskset", ["-c", "0", "true"]).status === 0;
  if (!canPin) progress("taskset is missing (util-linux): the runs on one core are left out");
  const placements: readonly Placement[] = canPin ? ["free", "one core"] : ["free"];
  const rows: BenchRow[] = [];
  for (const placement of placements) rows.push(...(await measure(size, placement, progress)));
  return { rows, ratios: placements.flatMap((placement) => ratiosOf(rows, placement)) };
};

async function measure(
  size: BenchSize,
  placement: Placement,
  progress: (line: string) => void,
): Promise<BenchRow[]> {
  const { rounds, durationMs, warmUpMs } = plans[size];
  const pairs: Pair[] = [];
  const results = new Map<string, number[]>();
  try {
    const pems = JSON.stringify(await makePems());
    for (const name of Object.keys(systems)) pairs.push(await startPair(name, pems, placement));
    for (const { client } of pairs) {
      for (const benchCase of cases) {
        await run(client, { ...benchCase, durationMs: warmUpMs / cases.length });
      }
    }
    for (let round = 1; round <= rounds; round += 1) {
      progress(`${placement}: round ${round} of ${rounds}`);
      for (const { sizeBytes, inFlight } of cases) {
        for (const { name, client } of pairs) {
          const { perSecond } = await run(client, { sizeBytes, inFlight, durationMs });
          const key = `${caseName(sizeBytes, inFlight, placement)}|${name}`;
          results.set(key, [...(results.get(key) ?? []), perSecond]);
        }
      }
    }
  } finally {
    for (const { server, client } of pairs) {
      client.kill("SIGKILL");
      server.kill("SIGKILL");
    }
  }
  return [...results].map(([key, values]) => {
    const [benchCase = "", system = ""] = key.split("|");
    return summarise({ case: benchCase, system, unit: "echoes/s" }, values);
  });
}

function caseName(sizeBytes: number, inFlight: number, placement: Placement): string {
  return `${sizeBytes} B, ${inFlight} in flight, ${placement}`;
}

async function startPair(name: string, pems: string, placement: Placement): Promise<Pair> {
  const server = start([name, pems], placement);
  const port = await firstMessage<number>(server, name);
  const client = start([name, pems, String(port)], placement);
  await firstMessage(client, name);
  return { name, server, client };
}

function start(args: readonly string[], placement: Placement): ChildProcess {
  const node = [process.execPath, script, ...args];
  const [command = "", ...rest] = placement === "one core" ? ["taskset", "-c", "0", ...node] : node;
  return spawn(command, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

async function firstMessage<T>(child: ChildProcess, name: string): Promise<T> {
  const stop = new AbortController();
  try {
    const ended = once(child, "exit", { signal: stop.signal }).then(([code]) => {
      throw new Error(`the process of ${name} ended with ${String(code)}`);
    });
    const [message] = await Promise.race([once(child, "message", { signal: stop.signal }), ended]);
    return message as T;
  } finally {
    stop.abort();
  }
}

async function run(client: ChildProcess, request: RunRequest): Promise<RunAnswer> {
  const answer = firstMessage<RunAnswer>(client, "a client");
  client.send(request);
  return answer;
}

/** The figures of the design that this benchmark decides. */
function ratiosOf(rows: readonly BenchRow[], placement: Placement) {
  const rate = (sizeBytes: number, inFlight: number, system: string): number =>
    rows.find(
      (row) => row.case === caseName(sizeBytes, inFlight, placement) && row.system === system,
    )?.median ?? Number.NaN;
  const free = placement === "free";
  const ours = "peer lane";
  const perTcp = (sizeBytes: number) =>
    rate(sizeBytes, 64, ours) / rate(sizeBytes, 64, "tcp batched");
  return [
    ratio(`128 B ÷ tcp batched, ${placement}`, perTcp(128), free ? ">= 0.6" : ">= 0.4"),
    ratio(`4 KB ÷ tcp batched, ${placement}`, perTcp(4096), ">= 0.4"),
    ratio(`128 B ÷ grpc, ${placement}`, rate(128, 64, ours) / rate(128, 64, "grpc"), ">= 5"),
    ratio(
      `round trip ÷ tcp, ${placement}`,
      rate(128, 1, "tcp") / rate(128, 1, ours),
      free ? "<= 1.5" : "<= 2",
    ),
  ];
}
