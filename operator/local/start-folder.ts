/** `spillway up`: everything of a folder, started in order. Stopping it is `running-folder.ts`. */
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { processStartTime } from "../../sidecar/runtime/process-start-time.ts";
import { removeAbandoned } from "./abandoned.ts";
import { makeClusterCredentials, makeNodeCredentials } from "./credentials.ts";
import { bootId, endLeftovers, isAlive } from "./leftovers.ts";
import { loadFolder } from "./load-folder.ts";
import { LocalError } from "./local-error.ts";
import type { Output } from "./output.ts";
import { isPortFree, planPorts } from "./port-plan.ts";
import { Replica, type ReplicaPlan } from "./replica.ts";
import type { CompilerEnvironment } from "./proto-files.ts";
import { planReplicas, type RunContext } from "./run-plan.ts";
import { readRunRecord } from "./run-record.ts";
import { RunningFolder } from "./running-folder.ts";
import {
  makeStateFolder,
  removeStateFolder,
  stateFolderCandidates,
  type StateRoots,
} from "./state-folder.ts";

/** What `up` is given. */
export interface UpOptions {
  /** Folder as the user wrote it. */
  readonly folder: string;
  readonly output: Output;
  /** PATH and HOME that programs and compilers get. */
  readonly environment: CompilerEnvironment;
  readonly stateRoots: StateRoots;
  /** How a person calls this program, for the commands that are printed. */
  readonly ownCommand: string;
  /** Ctrl-C while things still start. */
  readonly signal: AbortSignal;
  /** Command of a sidecar, before `--config FILE`. @default this package's own */
  readonly sidecarCommand?: readonly [string, ...string[]];
  /** Wall clock, ms since 1970. */
  readonly nowEpochMs: () => number;
}

/** How long all sidecars may take to listen, ms, the slowest machine considered. */
const sidecarReadyMs = 30_000;

/** How long programs may take to listen before the block is printed without waiting on, ms. */
const programReadyMs = 20_000;
const programPollMs = 50;

/**
 * Starts everything of a folder and resolves when it runs.
 * @throws {LocalError} any code but NOT_RUNNING; nothing is left running then.
 */
export async function startFolder(options: UpOptions): Promise<RunningFolder> {
  const loaded = await loadFolder(options.folder, options.environment);
  const [stateFolder = ""] = stateFolderCandidates(loaded.folder, options.stateRoots);
  const context: RunContext = {
    folder: loaded.folder,
    stateFolder,
    runId: randomUUID(),
    environment: options.environment,
    nodePath: process.execPath,
    sidecarCommand: options.sidecarCommand ?? ownSidecarCommand(),
    up: { pid: process.pid, startTime: processStartTime(process.pid) ?? "" },
  };
  await takeStateFolder(context, options);
  const running = new RunningFolder({ loaded, context, output: options.output });
  try {
    running.record();
    stopIfAsked(options.signal);
    const ports = await planPorts(loaded.apps, isPortFree);
    const plans = planReplicas(loaded.apps, ports, context);
    await writeCredentials(context, plans, options.nowEpochMs());
    await startAll(running, plans, options);
    return running;
  } catch (error) {
    await running.abandon();
    throw error;
  }
}

/** Compiled beside compiled, source beside source: both run. */
function ownSidecarCommand(): readonly [string, ...string[]] {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const main = fileURLToPath(new URL(`../../sidecar/main${extension}`, import.meta.url));
  return [process.execPath, main];
}

function stopIfAsked(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new LocalError("STOPPED", [{ text: "stopped before all was started", remedy: "" }]);
}

/** Makes the state folder ours: an earlier run's is cleared, a living run's is left alone. */
async function takeStateFolder(context: RunContext, { output }: UpOptions): Promise<void> {
  makeStateFolder(context.stateFolder);
  const earlier = readRunRecord(context.stateFolder);
  if (earlier !== undefined && earlier.bootId === bootId() && isAlive(earlier.up)) {
    const text = `${context.folder.shown} is already running (process ${earlier.up.pid})`;
    const remedy = "Stop it with Ctrl-C where it runs; its state is told by spillway status.";
    throw new LocalError("ALREADY_RUNNING", [{ text, remedy }]);
  }
  if (earlier !== undefined) {
    const killed = await endLeftovers(earlier);
    if (killed.length > 0) {
      output.event("warn", `ended processes that an earlier run left: ${killed.join(", ")}`);
    }
  }
  removeStateFolder(context.stateFolder);
  makeStateFolder(context.stateFolder);
  for (const path of await removeAbandoned(dirname(context.stateFolder))) {
    output.event("info", `removed ${path}: the folder that ran there is gone`);
  }
}

async function writeCredentials(
  { folder, stateFolder }: RunContext,
  plans: readonly ReplicaPlan[],
  nowMs: number,
): Promise<void> {
  const authority = await makeClusterCredentials(stateFolder, folder, nowMs);
  for (const { nodeId, paths } of plans) {
    await makeNodeCredentials(authority, { folder, nodeId, paths, nowMs });
  }
}

async function startAll(
  running: RunningFolder,
  plans: readonly ReplicaPlan[],
  options: UpOptions,
): Promise<void> {
  const { output, signal } = options;
  const replicas = plans.map(
    (plan) => new Replica(plan, { output, onChanged: () => running.record() }),
  );
  running.adopt(replicas);
  const aborted = abortion(signal);
  const failure = await Promise.race([firstFailure(replicas.map(startOne)), aborted]);
  stopIfAsked(signal);
  if (failure !== undefined) throw failure;
  for (const replica of replicas) replica.startProgram();
  await Promise.race([programsListen(replicas), aborted]);
  stopIfAsked(signal);
  running.watch();
  output.ready(await running.summary(options.ownCommand));
}

async function abortion(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return undefined;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** @returns the first failure as soon as there is one; undefined when all have started. */
async function firstFailure(
  starts: readonly Promise<LocalError | undefined>[],
): Promise<LocalError | undefined> {
  return new Promise((resolve, reject) => {
    for (const start of starts) {
      void start.then((failure) => {
        if (failure !== undefined) resolve(failure);
      });
    }
    Promise.all(starts).then(() => resolve(undefined), reject);
  });
}

async function startOne(replica: Replica): Promise<LocalError | undefined> {
  const failure = await replica.startSidecar(sidecarReadyMs);
  if (failure === undefined) return undefined;
  const last = replica.lastSidecarLines.at(-1);
  const said = last === undefined ? "" : `; its last line: ${last}`;
  const text = `the sidecar of ${replica.plan.name} did not start: it ${failure}${said}`;
  return new LocalError("SIDECAR_FAILED", [{ text, remedy: "Its lines above tell why." }]);
}

/** Waits until every program with a port listens there, for a bounded time. */
async function programsListen(replicas: readonly Replica[]): Promise<void> {
  const deadlineMs = performance.now() + programReadyMs;
  for (const { plan } of replicas) {
    while (plan.port !== undefined && performance.now() < deadlineMs) {
      if (!(await isPortFree(plan.port))) break;
      await delay(programPollMs);
    }
  }
}
