/**
 * What an earlier `up` left behind when it was killed. Its sidecars end by themselves when their
 * pipe ends; this is for whatever did not. A process is ended only when pid, start time and the
 * run's own mark in its environment all say that it is ours.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { processStartTime } from "../../sidecar/runtime/process-start-time.ts";
import type { ProcessIdentity, RunRecord } from "./run-record.ts";

/** Variable of each sidecar that names the run. */
export const runIdVariable = "SPILLWAY_RUN_ID";

/** How long a leftover may take to end by itself, ms; then it is killed. */
const graceMs = 2_000;
const pollMs = 25;

/**
 * @returns which boot this is; start times count from there. Empty where the system does not tell.
 */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** @returns whether a process is still the one that was recorded. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return processStartTime(pid) === startTime;
}

/** A process of an earlier run that still lives. */
interface Leftover {
  readonly process: ProcessIdentity;
  /** What must stand in its environment. */
  readonly mark: string;
}

/**
 * Waits until nothing of an earlier run is left, and kills what does not end by itself.
 * @returns pids that had to be killed.
 */
export async function endLeftovers(record: RunRecord): Promise<number[]> {
  if (record.bootId !== bootId()) return [];
  const leftovers = record.programs.flatMap((program) => leftoversOf(record, program));
  const deadlineMs = performance.now() + graceMs;
  while (leftovers.some(isOurs) && performance.now() < deadlineMs) await delay(pollMs);
  const killed: number[] = [];
  for (const leftover of leftovers.filter(isOurs)) {
    // Both programs and sidecars lead a process group of their own.
    if (killGroup(leftover.process.pid)) killed.push(leftover.process.pid);
  }
  const killedDeadlineMs = performance.now() + graceMs;
  while (leftovers.some(isOurs) && performance.now() < killedDeadlineMs) await delay(pollMs);
  return killed;
}

function leftoversOf(record: RunRecord, program: RunRecord["programs"][number]): Leftover[] {
  const { sidecar } = program;
  const own = program.process;
  return [
    ...(own === undefined ? [] : [{ process: own, mark: `SPILLWAY_SOCKET=${sidecar.socketPath}` }]),
    ...(sidecar.process === undefined
      ? []
      : [{ process: sidecar.process, mark: `${runIdVariable}=${record.runId}` }]),
  ];
}

function isOurs({ process, mark }: Leftover): boolean {
  return isAlive(process) && carriesMark(process.pid, mark);
}

/** Where the environment cannot be read (not Linux), pid and start time have to do. */
function carriesMark(pid: number, mark: string): boolean {
  if (process.platform !== "linux") return true;
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(mark);
  } catch {
    return false;
  }
}

/** Ends a process group at once. @returns false when it was gone. */
export function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
