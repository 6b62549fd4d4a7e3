/**
 * What a sidecar costs when it has nothing to do: time from the start of the process until its
 * listeners are open, and memory three seconds after that. Measured on compiled JavaScript, started
 * as `spillway up` starts it, with one demand, one capability and multicast on loopback. Beside it:
 * a Node process that does nothing.
 * Not measured: memory under load (the torture run prints peaks).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createTestCluster } from "../../support/certificates.ts";
import { compileProto } from "../../support/compile-proto.ts";
import {
  type BenchOutcome,
  type BenchRatio,
  type BenchRow,
  type BenchSize,
  ratio,
  summarise,
} from "../report.ts";

const runsOf: Readonly<Record<BenchSize, number>> = { small: 3, real: 11 };
const idleMs = 3_000;
const startTimeoutMs = 20_000;

interface Sample {
  readonly readyMs: number;
  readonly residentMb: number;
  readonly anonymousMb: number;
}

/** Runs the benchmark. */
export async function runBench(
  size: BenchSize,
  progress: (line: string) => void,
): Promise<BenchOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "sw-bench-"));
  const samples = { sidecar: [] as Sample[], "bare Node": [] as Sample[] };
  try {
    const configFile = await writeConfig(folder);
    for (let run = 1; run <= runsOf[size]; run += 1) {
      progress(`run ${String(run)} of ${String(runsOf[size])}`);
      samples.sidecar.push(await measureSidecar(folder, configFile));
      samples["bare Node"].push(await measureBareNode(folder));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = Object.entries(samples).flatMap(([system, each]) => rowsOf(system, each));
  return { rows, ratios: goalsOf(rows) };
}

async function measureSidecar(folder: string, configFile: string): Promise<Sample> {
  const readyFile = join(folder, "ready.json");
  rmSync(readyFile, { force: true });
  return measure(readyFile, [resolve("dist/sidecar/main.js"), "--config", configFile]);
}

async function measureBareNode(folder: string): Promise<Sample> {
  const readyFile = join(folder, "bare.json");
  rmSync(readyFile, { force: true });
  const script = `require("node:fs").writeFileSync(${JSON.stringify(readyFile)}, "{}");
    setInterval(() => undefined, 1_000);`;
  return measure(readyFile, ["--eval", script]);
}

async function measure(readyFile: string, args: readonly string[]): Promise<Sample> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  try {
    await readyOf(child, readyFile);
    const readyMs = performance.now() - startMs;
    await delay(idleMs);
    const status = readFileSync(`/proc/${String(child.pid)}/status`, "utf8");
    return {
      readyMs,
      residentMb: megabytesOf(status, "VmRSS"),
      anonymousMb: megabytesOf(status, "RssAnon"),
    };
  } finally {
    await endOf(child);
  }
}

async function readyOf(child: ChildProcess, readyFile: string): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      throw new Error(`the process did not get ready (exit code ${String(child.exitCode)})`);
    }
    await delay(2);
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((end) => child.once("exit", end));
    child.kill("SIGKILL");
    await exited;
  }
}

function megabytesOf(status: string, field: string): number {
  const kib = Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN);
  return (kib * 1_024) / 1_000_000;
}

function rowsOf(system: string, samples: readonly Sample[]): BenchRow[] {
  const row = (name: string, unit: string, valueOf: (sample: Sample) => number): BenchRow =>
    summarise({ case: name, system, unit }, samples.map(valueOf));
  return [
    row("start to ready", "ms", (sample) => sample.readyMs),
    row("resident memory", "MB", (sample) => sample.residentMb),
    row("anonymous memory", "MB", (sample) => sample.anonymousMb),
  ];
}

/** Goals: shared figures of the sidecar in a pod. */
function goalsOf(rows: readonly BenchRow[]): BenchRatio[] {
  const goal = (name: string, most: number): BenchRatio => {
    const row = rows.find((each) => each.case === name && each.system === "sidecar");
    return ratio(`sidecar: ${name}`, row?.median ?? Number.NaN, `<= ${most}`);
  };
  return [
    goal("start to ready", 1_000),
    goal("resident memory", 110),
    goal("anonymous memory", 60),
  ];
}

async function writeConfig(folder: string): Promise<string> {
  const cluster = await createTestCluster();
  const leaf = await cluster.leaf("bench-0");
  const files = {
    certificateFile: leaf.certificatePem,
    privateKeyFile: leaf.privateKeyPem,
    caFile: cluster.authority.certificatePem,
    clusterKeyFile: randomBytes(32).toString("base64"),
  };
  const identity = Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      const file = join(folder, name);
      writeFileSync(file, text, { mode: 0o600 });
      return [name, file];
    }),
  );
  const content = Buffer.from(
    compileProto({
      "bench.proto":
        'syntax = "proto3"; package bench.v1; message Ask { bytes body = 1; } ' +
        "message Answer { bytes body = 1; }",
    }),
  );
  const hash = createHash("sha256").update(content).digest("hex");
  const contract = { request: "bench.v1.Ask", response: "bench.v1.Answer", descriptorSet: hash };
  const config = {
    clusterId: cluster.clusterId,
    namespace: "test",
    nodeId: "bench-0",
    identity,
    listeners: {
      peer: { host: "127.0.0.1", port: 0 },
      admin: { host: "127.0.0.1", port: 0 },
      ops: { host: "127.0.0.1", port: 0 },
      appSocket: join(folder, "app.sock"),
      readyFile: join(folder, "ready.json"),
    },
    discovery: { multicast: { interfaces: ["127.0.0.1"], port: 7_078 } },
    demands: [{ name: "bench", contract }],
    capabilities: [{ name: "bench", contract }],
    descriptorSets: [{ hash, content: content.toString("base64") }],
  };
  const file = join(folder, "config.yaml");
  writeFileSync(file, JSON.stringify(config));
  return file;
}
