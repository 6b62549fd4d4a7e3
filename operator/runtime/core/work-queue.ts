/**
 * Which key is worked on next. A queue of names, not of events: a key that is added ten times
 * before its turn is worked on once, a key that is added while it is worked on is worked on again
 * afterwards, and never twice at once. Failures come back after a wait that doubles.
 *
 * States of a key:
 * - absent: nothing to do. Left by `add` (ready) or `addAfter` (delayed).
 * - delayed: waits for a moment. Left when it comes, or by `add` (ready).
 * - ready: waits for a free worker, first come first served. Left by `run` (running).
 * - running: a worker has it. Left by `done`: ready if it was added meanwhile, else delayed (a
 *   failure, or asked for later) or absent.
 *
 * Source: k8s.io/client-go `util/workqueue` (queue, delaying and rate-limiting queue), with two
 * differences: what a run itself asked for ("again in 30 s") is replaced by its next run, and a
 * queue that ends drops what has not begun, because whoever takes over lists everything anew.
 */
import { exponentialMs, type BackoffOptions } from "./backoff.ts";
import { DeadlineHeap } from "./deadline-heap.ts";
import { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";

/** Bounds of a queue. */
export interface WorkQueueOptions {
  /** Keys worked on at once, integer ≥ 1. */
  readonly concurrency: number;
  /** Waits of a key that fails again and again. @default 5 ms … 1,000 s */
  readonly backoff?: BackoffOptions;
  /** Failures over all keys that may come back at once. @default 10 a second, burst 100 */
  readonly retryRate?: TokenBucketOptions;
}

/** client-go's bounds of waits. */
export const defaultBackoff: BackoffOptions = { baseMs: 5, maxMs: 1_000_000 };

/** client-go's rate of failures that come back. */
export const defaultRetryRate: TokenBucketOptions = { perSecond: 10, burst: 100 };

/** How a run ended. */
export type RunOutcome =
  /** Nothing left to do. */
  | { readonly type: "settled" }
  /** Nothing left to do now; come again after `delayMs`. */
  | { readonly type: "after"; readonly delayMs: number }
  /** Come again after a wait that doubles with each failure. */
  | { readonly type: "failed" }
  /** Failed, and would fail again: not before it is added again. */
  | { readonly type: "terminal" };

/** Everything a queue may be told. */
export type QueueInput =
  | { readonly type: "add"; readonly key: string }
  /** Of several moments the earliest counts. */
  | { readonly type: "addAfter"; readonly key: string; readonly delayMs: number }
  /** Ends a run that a `run` effect began. */
  | { readonly type: "done"; readonly key: string; readonly outcome: RunOutcome }
  /** Workers may begin: before it keys are collected only. */
  | { readonly type: "open" }
  /** Nothing new is taken or begun; what runs may end. Final. */
  | { readonly type: "shutdown" };

/** Everything a queue asks for. */
export type QueueEffect =
  /** Begin work on a key; it was ready for `waitedMs`. */
  | { readonly type: "run"; readonly key: string; readonly waitedMs: number }
  /** Shut down, and the last run has ended. Once. */
  | { readonly type: "drained" };

interface Entry {
  readonly key: string;
  state: "idle" | "ready" | "running";
  /** Added while it runs. */
  dirty: boolean;
  readySinceMs: number;
  startedAtMs: number;
  /** Failures in a row. */
  failures: number;
  /** When its last run wants it again; Infinity = not. */
  requeueAtMs: number;
  /** When somebody else wants it; Infinity = not. */
  addAtMs: number;
}

/** Rebuilt when more than half of it no longer counts, but not for a handful. */
const minHeapSize = 64;

/** A rate-limited queue that never gives a key to two workers. Keys are its only memory. */
export class WorkQueue {
  readonly #concurrency: number;
  readonly #backoff: BackoffOptions;
  readonly #retries: TokenBucket;
  readonly #entries = new Map<string, Entry>();
  readonly #deadlines = new DeadlineHeap();
  /** Ready keys in order; the first `#firstReady` places are used up. */
  #ready: Entry[] = [];
  #firstReady = 0;
  #running = new Set<Entry>();
  #life: "collecting" | "open" | "shutdown" | "drained" = "collecting";

  /** @throws {RangeError} for bounds outside their range. */
  constructor(options: WorkQueueOptions) {
    const { concurrency, backoff = defaultBackoff, retryRate = defaultRetryRate } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new RangeError(`work queue: concurrency ${concurrency} is an integer ≥ 1`);
    }
    if (!(backoff.baseMs > 0) || !(backoff.maxMs >= backoff.baseMs)) {
      throw new RangeError(
        `work queue: backoff 0 < baseMs ${backoff.baseMs} ≤ maxMs ${backoff.maxMs}`,
      );
    }
    this.#concurrency = concurrency;
    this.#backoff = backoff;
    this.#retries = new TokenBucket(retryRate);
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.length - this.#firstReady;
  }

  /** Keys that are worked on. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Keys it remembers at all: ready, running, delayed, or failed before. */
  get size(): number {
    return this.#entries.size;
  }

  /** @returns for each run how long it has lasted, ms. */
  runningForMs(nowMs: number): number[] {
    return [...this.#running].map(({ startedAtMs }) => nowMs - startedAtMs);
  }

  /**
   * Takes one input.
   * @throws {Error} for a `done` of a key that does not run: that is a bug of the caller.
   */
  handle(input: QueueInput, nowMs: number): QueueEffect[] {
    switch (input.type) {
      case "add":
        if (!this.#ends()) this.#add(this.#entry(input.key), nowMs);
        break;
      case "addAfter":
        if (!this.#ends()) this.#addAfter(input.key, nowMs, input.delayMs);
        break;
      case "done":
        this.#done(input.key, input.outcome, nowMs);
        break;
      case "open":
        if (this.#life === "collecting") this.#life = "open";
        break;
      case "shutdown":
        this.#shutdown();
        break;
      default: {
        const unknown: never = input;
        throw new Error(`unreachable: ${JSON.stringify(unknown)}`);
      }
    }
    return this.advance(nowMs);
  }

  /** @returns when a delayed key is due, ms; Infinity = none waits. */
  nextDeadlineMs(): number {
    this.#dropStale();
    return this.#deadlines.peek()?.atMs ?? Infinity;
  }

  /** Lets time pass: what is due becomes ready, what is ready and has a worker begins. */
  advance(nowMs: number): QueueEffect[] {
    for (let next = this.#deadlines.peek(); next !== undefined; next = this.#deadlines.peek()) {
      if (next.atMs > nowMs) break;
      this.#deadlines.pop();
      this.#due(next.key, nowMs);
    }
    return this.#life === "open" ? this.#begin(nowMs) : this.#maybeDrained();
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = {
      key,
      state: "idle",
      dirty: false,
      readySinceMs: 0,
      startedAtMs: 0,
      failures: 0,
      requeueAtMs: Infinity,
      addAtMs: Infinity,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #add(entry: Entry, nowMs: number): void {
    if (entry.state === "running") entry.dirty = true;
    if (entry.state !== "idle") return;
    entry.state = "ready";
    entry.readySinceMs = nowMs;
    this.#ready.push(entry);
  }

  #addAfter(key: string, nowMs: number, delayMs: number): void {
    const entry = this.#entry(key);
    if (!(delayMs > 0)) {
      this.#add(entry, nowMs);
      return;
    }
    const atMs = nowMs + delayMs;
    if (atMs >= entry.addAtMs) return;
    entry.addAtMs = atMs;
    this.#wait(entry, atMs);
  }

  #wait(entry: Entry, atMs: number): void {
    this.#deadlines.push({ atMs, key: entry.key });
    if (this.#deadlines.size > 2 * this.#entries.size + minHeapSize) {
      this.#deadlines.retain((deadline) => this.#counts(deadline.key, deadline.atMs));
    }
  }

  #counts(key: string, atMs: number): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && (entry.requeueAtMs === atMs || entry.addAtMs === atMs);
  }

  #due(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const requeue = entry.requeueAtMs <= nowMs;
    const add = entry.addAtMs <= nowMs;
    if (requeue) entry.requeueAtMs = Infinity;
    if (add) entry.addAtMs = Infinity;
    if (requeue || add) this.#add(entry, nowMs);
  }

  #begin(nowMs: number): QueueEffect[] {
    const effects: QueueEffect[] = [];
    while (this.#running.size < this.#concurrency && this.depth > 0) {
      const entry = this.#ready[this.#firstReady];
      this.#firstReady += 1;
      if (entry === undefined) break;
      entry.state = "running";
      entry.dirty = false;
      entry.startedAtMs = nowMs;
      // This run sees everything anew and says itself when it wants to be called again.
      entry.requeueAtMs = Infinity;
      this.#running.add(entry);
      effects.push({ type: "run", key: entry.key, waitedMs: nowMs - entry.readySinceMs });
    }
    this.#compact();
    return effects;
  }

  /**
   * Used places are given back when they are the greater part, so each is moved once on average.
   */
  #compact(): void {
    if (this.#firstReady < 32 || this.#firstReady * 2 < this.#ready.length) return;
    this.#ready = this.#ready.slice(this.#firstReady);
    this.#firstReady = 0;
  }

  #done(key: string, outcome: RunOutcome, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry?.state !== "running") throw new Error(`work queue: ${key} does not run`);
    this.#running.delete(entry);
    entry.state = "idle";
    if (outcome.type === "failed") {
      const waitMs = exponentialMs(this.#backoff, entry.failures);
      entry.failures += 1;
      this.#requeue(entry, nowMs, Math.max(waitMs, this.#retries.reserve(nowMs)));
    } else {
      entry.failures = 0;
      if (outcome.type === "after") this.#requeue(entry, nowMs, outcome.delayMs);
    }
    if (entry.dirty && !this.#ends()) this.#add(entry, nowMs);
    this.#forgetIdle(entry);
  }

  #requeue(entry: Entry, nowMs: number, delayMs: number): void {
    if (this.#ends()) return;
    // Not at once even for 0: a run that always asks for 0 would leave others no turn of the loop.
    entry.requeueAtMs = nowMs + Math.max(1, delayMs);
    this.#wait(entry, entry.requeueAtMs);
  }

  #forgetIdle(entry: Entry): void {
    const delayed = entry.requeueAtMs !== Infinity || entry.addAtMs !== Infinity;
    if (entry.state !== "idle" || delayed || entry.failures > 0) return;
    this.#entries.delete(entry.key);
  }

  #ends(): boolean {
    return this.#life === "shutdown" || this.#life === "drained";
  }

  #shutdown(): void {
    if (this.#ends()) return;
    this.#life = "shutdown";
    this.#ready = [];
    this.#firstReady = 0;
    this.#deadlines.retain(() => false);
    for (const entry of [...this.#entries.values()]) {
      if (entry.state !== "running") this.#entries.delete(entry.key);
    }
  }

  #maybeDrained(): QueueEffect[] {
    if (this.#life !== "shutdown" || this.#running.size > 0) return [];
    this.#life = "drained";
    this.#entries.clear();
    return [{ type: "drained" }];
  }

  #dropStale(): void {
    for (let next = this.#deadlines.peek(); next !== undefined; next = this.#deadlines.peek()) {
      if (this.#counts(next.key, next.atMs)) return;
      this.#deadlines.pop();
    }
  }
}
