/**
 * Question: what do a thousand sidecars cost one operator, and how soon does a change reach all?
 * Method: the operator's end of the control stream in a process of its own, the other ends in this
 * one, each with a TLS connection; every pod is selected by four Demands and a Capability and has
 * 20 peers. Memory is the process's, after a collection; a change is timed from the moment it is
 * told to the operator until the last sidecar has its delta. Sidecars attach no faster than tokens
 * are reviewed (50 a second). Not asked: the sidecars' own cost, a real network, the API server.
 * The other ends share the machine's cores, so the times are upper bounds. The small size has 40
 * sidecars.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { type TestPod, testPod, TestSidecar, tokenOf } from "../../support/control-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { type BenchOutcome, type BenchSize, ratio, summarise } from "../report.ts";
import type { OperatorCommand, OperatorReply } from "./operator-messages.ts";

const sidecarsOf: Readonly<Record<BenchSize, number>> = { small: 40, real: 1_000 };
const changesOf: Readonly<Record<BenchSize, number>> = { small: 3, real: 20 };
const system = "operator";
const kib = 1_024;
const reportIntervalMs = 10_000;

/** Runs the benchmark. */
export async function runBench(
  size: BenchSize,
  progress: (line: string) => void,
): Promise<BenchOutcome> {
  const count = sidecarsOf[size];
  const operator = await OperatorProcess.start();
  const pods = Array.from({ length: count }, (_, index) => testPod(`p-${index.toString()}`));
  const sidecars: TestSidecar[] = [];
  // As often as sidecars at rest do: without it streams end as silent.
  const reporting = setInterval(() => {
    for (const [index, sidecar] of sidecars.entries()) {
      sidecar.sendKind({ case: "report", value: { peerAddress: addressOf(index) } });
    }
  }, reportIntervalMs);
  try {
    await operator.tell({ type: "pods", pods });
    const empty = await operator.memory();
    const attachMs = await attachAll(operator, pods, sidecars);
    progress(`${count.toString()} sidecars attached in ${(attachMs / 1_000).toFixed(1)} s`);
    await allHave(sidecars, (it) => it.peers.size === 20);
    const full = await operator.memory();
    const changesMs: number[] = [];
    for (let change = 0; change < changesOf[size]; change++) {
      changesMs.push(await timeOf(operator, sidecars, { type: "change" }));
    }
    const rotateMs = await timeOf(operator, sidecars, { type: "rotate" });
    const after = await operator.memory();
    progress(`${changesMs.length.toString()} changes and a rotation told to all`);
    const each = (bytes: number) => bytes / count / kib;
    const resident = summarise({ case: "resident memory per stream", system, unit: "KiB" }, [
      each(full.residentBytes - empty.residentBytes),
    ]);
    const fanOut = summarise({ case: "change until all have it", system, unit: "ms" }, changesMs);
    const rows = [
      summarise({ case: "sidecars", system, unit: "" }, [count]),
      summarise({ case: "resident memory without streams", system, unit: "MiB" }, [
        empty.residentBytes / kib / kib,
      ]),
      resident,
      summarise({ case: "heap per stream", system, unit: "KiB" }, [
        each(full.heapBytes - empty.heapBytes),
      ]),
      summarise({ case: "resident memory after all changes", system, unit: "MiB" }, [
        after.residentBytes / kib / kib,
      ]),
      fanOut,
      summarise({ case: "changed trust until all have it", system, unit: "ms" }, [rotateMs]),
    ];
    return {
      rows,
      ratios: [ratio("slowest change until all have it, s", fanOut.max / 1_000, "<= 1")],
    };
  } finally {
    clearInterval(reporting);
    for (const sidecar of sidecars) sidecar.cut();
    operator.end();
  }
}

/** @returns ms until the last one has its configuration. */
async function attachAll(
  operator: OperatorProcess,
  pods: readonly TestPod[],
  sidecars: TestSidecar[],
): Promise<number> {
  const beginMs = performance.now();
  const endsAtMs = Date.now() + 3_600_000;
  for (const [index, pod] of pods.entries()) {
    const sidecar = new TestSidecar({
      port: operator.port,
      caPem: operator.caPem,
      isKeeping: false,
    });
    sidecars.push(sidecar);
    const hello = { sidecarVersion: "bench", peerAddress: addressOf(index) };
    sidecar.attach(tokenOf(pod, endsAtMs), hello);
    // What a review costs the API server, this operator may not ask for more often.
    await delay(22);
  }
  await allHave(sidecars, (it) => it.count("configDelta") > 0);
  return performance.now() - beginMs;
}

/** @returns ms from telling the operator until the last sidecar has one more delta. */
async function timeOf(
  operator: OperatorProcess,
  sidecars: readonly TestSidecar[],
  command: OperatorCommand,
): Promise<number> {
  const before = sidecars.map((it) => it.count("configDelta"));
  const beginMs = performance.now();
  await operator.tell(command);
  await allHave(sidecars, (it, index) => it.count("configDelta") > (before[index] ?? 0));
  return performance.now() - beginMs;
}

async function allHave(
  sidecars: readonly TestSidecar[],
  isSo: (sidecar: TestSidecar, index: number) => boolean,
): Promise<void> {
  const options = { timeoutMs: 60_000, intervalMs: 5, what: "every sidecar" };
  await eventually(() => {
    const ended = sidecars.find((it) => it.ended);
    if (ended !== undefined) throw new Error(`a stream ended: ${String(ended.error)}`);
    return sidecars.every(isSo);
  }, options);
}

function addressOf(index: number) {
  return { addresses: ["10.0.0.1"], port: 20_000 + index };
}

/** The operator, and one question at a time. */
class OperatorProcess {
  readonly port: number;
  readonly caPem: string;
  readonly #child: ReturnType<typeof fork>;

  private constructor(child: ReturnType<typeof fork>, port: number, caPem: string) {
    this.#child = child;
    this.port = port;
    this.caPem = caPem;
  }

  static async start(): Promise<OperatorProcess> {
    const path = fileURLToPath(new URL("operator-process.ts", import.meta.url));
    const child = fork(path, [], { execArgv: ["--expose-gc"] });
    const reply = await replyOf(child);
    if (reply.type !== "started") throw new Error(`the operator said ${reply.type}`);
    return new OperatorProcess(child, reply.port, reply.caPem);
  }

  async tell(command: OperatorCommand): Promise<OperatorReply> {
    const reply = replyOf(this.#child);
    this.#child.send(command);
    return reply;
  }

  async memory(): Promise<Extract<OperatorReply, { type: "memory" }>> {
    const reply = await this.tell({ type: "memory" });
    if (reply.type !== "memory") throw new Error(`the operator said ${reply.type}`);
    return reply;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

async function replyOf(child: ReturnType<typeof fork>): Promise<OperatorReply> {
  const replies: OperatorReply[] = await once(child, "message");
  const [reply] = replies;
  if (reply === undefined) throw new Error("the operator said nothing");
  return reply;
}
