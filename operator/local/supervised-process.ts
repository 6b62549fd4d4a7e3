/**
 * One process that is started again whenever it ends, until it is stopped.
 *
 *     idle ── start() ──▶ running ── it ends ──▶ waiting ── delay over ──▶ running
 *                            │                      │
 *                            └──── stop() ──────────┴──▶ stopped (for good)
 *
 * It leads a process group of its own, so that its end is the end of its children too, and so that
 * a Ctrl-C at the terminal reaches `up` alone.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { processStartTime } from "../../sidecar/runtime/process-start-time.ts";
import { killGroup } from "./leftovers.ts";
import { LineSplitter } from "./line-splitter.ts";
import { restartDelayMs } from "./restart-policy.ts";
import type { ProcessIdentity } from "./run-record.ts";

/** What is run. */
export interface ProcessPlan {
  /** Program and arguments; the program as an absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Keep a pipe open to its standard input, which ends when this process does. */
  readonly holdsPipe: boolean;
}

/** What is told of it. Listeners must not throw. */
export interface ProcessListener {
  /** Called right before each start. */
  readonly onStarting?: () => void;
  readonly onStarted: (process: ProcessIdentity, pipe: Writable | null) => void;
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
  /** @param restartInMs when it is started again; undefined when it was stopped. */
  readonly onEnded: (how: string, restartInMs: number | undefined) => void;
}

type State =
  | { readonly name: "idle" }
  | {
      readonly name: "running";
      readonly child: ChildProcess;
      readonly process: ProcessIdentity | undefined;
      readonly startedAtMs: number;
    }
  | { readonly name: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly name: "stopped" };

const groupPollMs = 20;

/** How long the system may take to bury what was killed. */
const buryMs = 300;

/** See the head of the file. */
export class SupervisedProcess {
  readonly #plan: ProcessPlan;
  readonly #listener: ProcessListener;
  #state: State = { name: "idle" };
  #stopping = false;
  #lastDelayMs: number | undefined;
  #restarts = 0;
  #lastEnd: string | undefined;
  #onceEnded: (() => void)[] = [];

  constructor(plan: ProcessPlan, listener: ProcessListener) {
    this.#plan = plan;
    this.#listener = listener;
  }

  /** The living process; undefined while there is none. */
  get process(): ProcessIdentity | undefined {
    return this.#state.name === "running" ? this.#state.process : undefined;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** How it ended last: `exit code 1`, `SIGKILL`. */
  get lastEnd(): string | undefined {
    return this.#lastEnd;
  }

  /** Starts it. Extra calls, and calls after `stop`, are harmless. */
  start(): void {
    if (this.#state.name !== "idle" || this.#stopping) return;
    this.#spawn();
  }

  /**
   * Ends it for good: SIGTERM to its group, SIGKILL to what is left of the group after the grace.
   * Resolves when the whole group is gone.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const state = this.#state;
    if (state.name === "waiting") clearTimeout(state.timer);
    if (state.name !== "running") {
      this.#state = { name: "stopped" };
      return;
    }
    const pid = state.child.pid;
    const ended = new Promise<void>((resolve) => this.#onceEnded.push(resolve));
    if (pid === undefined) return ended;
    signalGroup(pid, "SIGTERM");
    await groupGone(pid, graceMs);
    killGroup(pid);
    await groupGone(pid, buryMs);
    await ended;
  }

  /** Ends it for good and at once, without waiting. */
  kill(): void {
    this.#stopping = true;
    const state = this.#state;
    if (state.name === "waiting") clearTimeout(state.timer);
    if (state.name === "running" && state.child.pid !== undefined) killGroup(state.child.pid);
  }

  #spawn(): void {
    this.#listener.onStarting?.();
    const [file, ...args] = this.#plan.command;
    const child = spawn(file, args, {
      cwd: this.#plan.folder,
      env: { ...this.#plan.environment },
      detached: true,
      stdio: [this.#plan.holdsPipe ? "pipe" : "ignore", "pipe", "pipe"],
    });
    const startTime = child.pid === undefined ? undefined : processStartTime(child.pid);
    const { pid } = child;
    const process = pid === undefined || startTime === undefined ? undefined : { pid, startTime };
    this.#state = { name: "running", child, process, startedAtMs: performance.now() };
    child.stdin?.on("error", () => {
      // It ended while we wrote; its exit tells.
    });
    this.#follow(child);
    if (process !== undefined) this.#listener.onStarted(process, child.stdin);
  }

  #follow(child: ChildProcess): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const lines = new LineSplitter((line) => this.#listener.onLine(stream, line));
      child[stream]?.on("data", (chunk: Buffer) => lines.push(chunk));
      child[stream]?.on("end", () => lines.end());
    }
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
      // Without a pid there was no process, and no exit will come.
      if (child.pid === undefined) this.#ended(child, error.message);
    });
    child.once("exit", (code, signal) => {
      this.#ended(child, failure?.message ?? signal ?? `exit code ${code ?? "unknown"}`);
    });
  }

  #ended(child: ChildProcess, how: string): void {
    const state = this.#state;
    if (state.name !== "running" || state.child !== child) return;
    this.#lastEnd = how;
    if (this.#stopping) {
      this.#state = { name: "stopped" };
      this.#listener.onEnded(how, undefined);
      for (const resolve of this.#onceEnded.splice(0)) resolve();
      return;
    }
    // Children that outlive their leader would hold its port, and run beside its successor.
    if (child.pid !== undefined) killGroup(child.pid);
    const livedMs = performance.now() - state.startedAtMs;
    const delayMs = restartDelayMs(this.#lastDelayMs, livedMs);
    this.#lastDelayMs = delayMs;
    const timer = setTimeout(() => {
      this.#restarts++;
      this.#spawn();
    }, delayMs);
    this.#state = { name: "waiting", timer };
    this.#listener.onEnded(how, delayMs);
  }
}

function signalGroup(pid: number, signal: "SIGTERM" | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits until no process of a group is left, or the time is over. */
async function groupGone(pid: number, withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (signalGroup(pid, 0) && performance.now() < deadlineMs) await delay(groupPollMs);
}
