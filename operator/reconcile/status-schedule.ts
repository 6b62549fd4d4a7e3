/**
 * When a status is written. The first one, a changed condition and a count that leaves or reaches
 * zero are written at once; other counts at most every 30 s per object and 20 a second over all,
 * the one that waits longest first; what did not change is not written. So that an API server is
 * not kept busy by queues that are.
 */
import { RateBucket } from "../../sidecar/core/rate-bucket.ts";
import { DueLine, type LineMember } from "./due-line.ts";
import { differenceOf, type StatusDifference, type WritableStatus } from "./status-difference.ts";

/** Rates of writing. */
export interface StatusRates {
  /** Pause between two writes of one object that change counts only, ms. @default 30,000 */
  readonly countsIntervalMs: number;
  /** Such writes a second, over all objects. @default 20 */
  readonly countsPerSecond: number;
  /** Pause after a write that failed, ms; doubled with each one, up to a minute. @default 1,000 */
  readonly retryMs: number;
}

/** The rates of an operator. */
export const statusRates: StatusRates = {
  countsIntervalMs: 30_000,
  countsPerSecond: 20,
  retryMs: 1_000,
};

const longestRetryMs = 60_000;

/** An object whose status is kept. */
interface Entry<Status> extends LineMember {
  readonly key: string;
  /** What stands in the API server, as far as is known; undefined: nothing. */
  written: Status | undefined;
  wanted: Status;
  /** `wanted` differs from `written`, and how. */
  difference: StatusDifference;
  countsWrittenAtMs: number;
  failures: number;
  notBeforeMs: number;
  writing: boolean;
  /** Where it waits; undefined: nothing is to be written, or a write is under way. */
  line: DueLine<Entry<Status>> | undefined;
}

/** A write that is due. */
export interface DueWrite<Status> {
  readonly key: string;
  readonly status: Status;
}

/** What stands of an object that is not known yet. */
interface StandsAt<Status> {
  readonly stored?: Status | undefined;
  readonly writtenAtMs?: number | undefined;
}

/** Decides which status is written when. Cost: log n per object that is told or taken. */
export class StatusSchedule<Status extends WritableStatus> {
  readonly #rates: StatusRates;
  readonly #entries = new Map<string, Entry<Status>>();
  readonly #urgent = new DueLine<Entry<Status>>();
  readonly #counts = new DueLine<Entry<Status>>();
  readonly #countsRate: RateBucket;
  #dirtyCount = 0;
  #lastTurn = 0;

  /** @param rates what is not given is `statusRates`. */
  constructor(rates: Partial<StatusRates> = {}) {
    this.#rates = { ...statusRates, ...rates };
    const { countsPerSecond } = this.#rates;
    this.#countsRate = new RateBucket({ perSecond: countsPerSecond, burst: countsPerSecond });
  }

  /** Objects whose status waits to be written. */
  get dirtyCount(): number {
    return this.#dirtyCount;
  }

  /**
   * What should stand.
   * @param at.stored what the API server showed last; only looked at the first time and after
   *   `observe`.
   * @param at.writtenAtMs what `settle` answered; only looked at the first time.
   */
  want(key: string, wanted: Status, at: StandsAt<Status> & { readonly nowMs: number }) {
    const entry = this.#entries.get(key) ?? newEntry(key, wanted, at);
    this.#entries.set(key, entry);
    entry.wanted = wanted;
    this.#judge(entry, at.nowMs);
  }

  /** What was wanted last; undefined when nothing was. */
  wanted(key: string): Status | undefined {
    return this.#entries.get(key)?.wanted;
  }

  /**
   * The API server shows something that was not written from here. While a write is under way only
   * its answer tells which of the two is newer: then this is ignored, and told again after it.
   */
  observe(key: string, stored: Status | undefined, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.writing) return;
    entry.written = stored;
    this.#judge(entry, nowMs);
  }

  /** Whether nothing of an object waits to be written or is being written. */
  isSettled(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry === undefined || (!entry.writing && entry.difference === "none");
  }

  /**
   * Forgets an object that is settled: memory is for those that wait.
   * @returns when it was written last, to be told when something is wanted again; undefined when it
   *   is not known, or not settled.
   */
  settle(key: string): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.isSettled(key)) return undefined;
    this.#entries.delete(key);
    return entry.countsWrittenAtMs;
  }

  /** The object is gone. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#leaveLine(entry);
    this.#note(entry, "none");
  }

  /**
   * Takes the writes that are due: each is reported by `done` or `failed` before its object is due
   * again. Urgent ones first, then by how long they wait.
   * @param limit writes at most.
   */
  takeDue(nowMs: number, limit: number): DueWrite<Status>[] {
    const due: DueWrite<Status>[] = [];
    while (due.length < limit) {
      const entry = this.#urgent.take(nowMs) ?? this.#takeCounts(nowMs);
      if (entry === undefined) break;
      entry.line = undefined;
      entry.writing = true;
      due.push({ key: entry.key, status: entry.wanted });
    }
    return due;
  }

  /** A write is done. */
  done(key: string, status: Status, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.writing = false;
    entry.written = status;
    entry.failures = 0;
    entry.notBeforeMs = 0;
    entry.countsWrittenAtMs = nowMs;
    this.#note(entry, "none");
    this.#judge(entry, nowMs);
  }

  /** A write failed; it is tried again. */
  failed(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.writing = false;
    entry.failures += 1;
    const pauseMs = this.#rates.retryMs * 2 ** Math.min(entry.failures - 1, 10);
    entry.notBeforeMs = nowMs + Math.min(pauseMs, longestRetryMs);
    this.#joinLine(entry, nowMs);
  }

  /** A write failed, and would fail again: nothing of the object is due until it is forgotten. */
  refused(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.writing = false;
    entry.notBeforeMs = Number.POSITIVE_INFINITY;
    this.#joinLine(entry, nowMs);
  }

  /** When `takeDue` may give something, Unix time in ms; Infinity: not without a change. */
  nextDueMs(nowMs: number): number {
    const countsMs = Math.max(this.#counts.nextMs(nowMs), nowMs + this.#countsRate.waitMs(nowMs));
    return Math.min(this.#urgent.nextMs(nowMs), countsMs);
  }

  #takeCounts(nowMs: number): Entry<Status> | undefined {
    if (this.#countsRate.waitMs(nowMs) > 0) return undefined;
    const entry = this.#counts.take(nowMs);
    if (entry !== undefined) this.#countsRate.take(nowMs);
    return entry;
  }

  #judge(entry: Entry<Status>, nowMs: number): void {
    this.#leaveLine(entry);
    this.#note(entry, differenceOf(entry.written, entry.wanted));
    this.#joinLine(entry, nowMs);
  }

  /** Who differs anew goes behind all others. */
  #note(entry: Entry<Status>, difference: StatusDifference): void {
    if (entry.difference === "none" && difference !== "none") {
      this.#dirtyCount += 1;
      entry.turn = this.#lastTurn += 1;
    }
    if (entry.difference !== "none" && difference === "none") this.#dirtyCount -= 1;
    entry.difference = difference;
  }

  #leaveLine(entry: Entry<Status>): void {
    entry.line?.remove(entry);
    entry.line = undefined;
  }

  #joinLine(entry: Entry<Status>, nowMs: number): void {
    const { difference, notBeforeMs, countsWrittenAtMs, writing } = entry;
    if (difference === "none" || writing) return;
    const urgent = difference === "urgent";
    const countsAtMs = countsWrittenAtMs + this.#rates.countsIntervalMs;
    entry.readyAtMs = urgent ? notBeforeMs : Math.max(notBeforeMs, countsAtMs);
    entry.line = urgent ? this.#urgent : this.#counts;
    entry.line.add(entry, nowMs);
  }
}

function newEntry<Status>(key: string, wanted: Status, at: StandsAt<Status>): Entry<Status> {
  return {
    key,
    written: at.stored,
    wanted,
    difference: "none",
    countsWrittenAtMs: at.writtenAtMs ?? Number.NEGATIVE_INFINITY,
    failures: 0,
    notBeforeMs: 0,
    writing: false,
    line: undefined,
    readyAtMs: 0,
    turn: 0,
    place: -1,
  };
}
