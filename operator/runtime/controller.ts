/**
 * Runs a reconcile function over the keys of a work queue. All decisions are the queue's
 * (core/work-queue.ts); here they meet promises, timers and metrics.
 */
import { ApiError } from "./api-error.ts";
import type { BackoffOptions } from "./core/backoff.ts";
import type { TokenBucketOptions } from "./core/token-bucket.ts";
import { WorkQueue, type QueueEffect, type RunOutcome } from "./core/work-queue.ts";
import type { ReconcileResult, RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import { Pump } from "./pump.ts";

/** What a reconcile answers. Anything thrown is a failure that is retried. */
export interface ReconcileAnswer {
  /** Come again after this, ms, ≥ 0. Absent: not before something changes. */
  readonly requeueAfterMs?: number | undefined;
  /**
   * Failed, and the same would fail again: one sentence for the log. Not retried until the key is
   * added again.
   */
  readonly terminalError?: string | undefined;
}

/** What a reconcile is given besides its key. */
export interface ReconcileContext {
  /** Aborted when the run has lasted too long or the controller will not wait any longer. */
  readonly signal: AbortSignal;
}

/** Makes the world as the object of this key wants it. Called again whenever in doubt. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileAnswer>;

/** Settings of a controller. */
export interface ControllerOptions {
  /** Name in metrics and lines, for example `deployment`. */
  readonly name: string;
  /** What is run for each key. */
  readonly reconcile: Reconcile;
  /** Keys worked on at once, integer ≥ 1. @default 1 */
  readonly concurrency?: number;
  /** A run is told to end after this, ms. It keeps its key until it does. @default 60,000 */
  readonly timeoutMs?: number;
  /** Waits of a key that fails again and again. @default 5 ms … 1,000 s */
  readonly backoff?: BackoffOptions;
  /** Failures over all keys that may come back. @default 10 a second, burst 100 */
  readonly retryRate?: TokenBucketOptions;
}

/** What a controller works with. */
export interface ControllerComponents {
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

/** After so many runs others get a turn of the event loop: runs that wait for nothing would not. */
const runsInTurn = 100;

/** Collects keys from the start on; works on them between `start` and `stop`. */
export class Controller {
  readonly name: string;
  readonly #reconcile: Reconcile;
  readonly #timeoutMs: number;
  readonly #surroundings: Surroundings;
  readonly #metrics: RuntimeMetrics;
  readonly #queue: WorkQueue;
  readonly #pump: Pump;
  /** What ends each run. By hand: AbortSignal.any leaves a trace in a signal that lives long. */
  readonly #runs = new Set<AbortController>();
  #endedBy: ApiError | undefined;
  readonly #drained = Promise.withResolvers<undefined>();
  readonly #forgetFigures: () => void;
  #runCount = 0;

  /** @throws {RangeError} for options outside their bounds. */
  constructor(options: ControllerOptions, { surroundings, metrics }: ControllerComponents) {
    const { name, reconcile, concurrency = 1, timeoutMs = 60_000, ...rates } = options;
    this.name = name;
    this.#reconcile = reconcile;
    this.#timeoutMs = timeoutMs;
    this.#surroundings = surroundings;
    this.#metrics = metrics;
    this.#queue = new WorkQueue({ concurrency, ...rates });
    const { clock, timers } = surroundings;
    this.#pump = new Pump({
      clock,
      timers,
      nextDeadlineMs: () => this.#queue.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#carryOut(this.#queue.advance(nowMs));
      },
    });
    metrics.reconcile.maxConcurrent.set({ controller: name }, concurrency);
    this.#forgetFigures = metrics.watchQueue(name, () => ({
      depth: this.#queue.depth,
      runningForMs: this.#queue.runningForMs(clock.nowMs()),
    }));
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** Adds a key; a key that waits already is not added twice. Without effect after `stop`. */
  enqueue(key: string): void {
    this.#metrics.queue.adds.inc({ name: this.name, controller: this.name });
    this.#tell({ type: "add", key });
  }

  /** Adds a key after a delay, ms; of several delays the earliest counts. */
  enqueueAfter(key: string, delayMs: number): void {
    this.#tell({ type: "addAfter", key, delayMs });
  }

  /** Begins to work on keys. Extra calls are harmless. */
  start(): void {
    this.#tell({ type: "open" });
  }

  /**
   * Takes nothing new, drops what has not begun, waits for what runs; final.
   * @param graceMs how long runs may last until their signal is aborted, ms. @default 10,000
   */
  async stop(graceMs = 10_000): Promise<void> {
    const cancel = this.#surroundings.timers.after(graceMs, () => {
      const reason = new ApiError("ABORTED", `controller ${this.name} stops`);
      this.#endedBy = reason;
      for (const run of this.#runs) run.abort(reason);
    });
    this.#tell({ type: "shutdown" });
    this.#pump.close();
    await this.#drained.promise;
    cancel();
    this.#forgetFigures();
  }

  #tell(input: Parameters<WorkQueue["handle"]>[0]): void {
    this.#carryOut(this.#queue.handle(input, this.#surroundings.clock.nowMs()));
  }

  #carryOut(effects: readonly QueueEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "drained") this.#drained.resolve(undefined);
      else void this.#run(effect.key, effect.waitedMs);
    }
    this.#pump.arm();
  }

  /** Never rejects. */
  async #run(key: string, waitedMs: number): Promise<void> {
    const controller = this.name;
    const { clock } = this.#surroundings;
    const { reconcile, queue } = this.#metrics;
    this.#runCount += 1;
    if (this.#runCount % runsInTurn === 0) await this.#turn();
    const startedAtMs = clock.nowMs();
    queue.waitSeconds.observe({ name: controller, controller }, waitedMs / 1_000);
    reconcile.activeWorkers.inc({ controller });
    const outcome = await this.#outcomeOf(key);
    const lastedSeconds = (clock.nowMs() - startedAtMs) / 1_000;
    reconcile.activeWorkers.dec({ controller });
    reconcile.seconds.observe({ controller }, lastedSeconds);
    queue.workSeconds.observe({ name: controller, controller }, lastedSeconds);
    this.#count(outcome);
    this.#tell({ type: "done", key, outcome });
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#surroundings.timers.after(0, resolve);
    });
  }

  async #outcomeOf(key: string): Promise<RunOutcome> {
    const { timers, log } = this.#surroundings;
    const run = new AbortController();
    this.#runs.add(run);
    if (this.#endedBy !== undefined) run.abort(this.#endedBy);
    const cancel = timers.after(this.#timeoutMs, () => {
      run.abort(new ApiError("TIMEOUT", `${key}: no end within ${this.#timeoutMs} ms`));
    });
    try {
      const { signal } = run;
      const { requeueAfterMs, terminalError } = await this.#reconcile(key, { signal });
      if (terminalError !== undefined) {
        log.error({ controller: this.name, key }, terminalError);
        return { type: "terminal" };
      }
      if (requeueAfterMs === undefined) return { type: "settled" };
      return { type: "after", delayMs: requeueAfterMs };
    } catch (error) {
      const fields = { controller: this.name, key, error };
      log.warn(fields, `reconcile failed: ${error instanceof Error ? error.message : "no error"}`);
      return { type: "failed" };
    } finally {
      cancel();
      this.#runs.delete(run);
    }
  }

  #count(outcome: RunOutcome): void {
    const controller = this.name;
    const { reconcile, queue } = this.#metrics;
    const failed = outcome.type === "failed" || outcome.type === "terminal";
    const settled: ReconcileResult = outcome.type === "after" ? "requeue_after" : "success";
    reconcile.total.inc({ controller, result: failed ? "error" : settled });
    if (failed) reconcile.errors.inc({ controller });
    if (outcome.type === "terminal") reconcile.terminal.inc({ controller });
    if (outcome.type === "failed") queue.retries.inc({ name: controller, controller });
  }
}
