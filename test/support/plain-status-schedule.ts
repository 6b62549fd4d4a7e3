/** What `StatusSchedule` promises, said plainly: everything is sorted and searched each time. */
import { type DueWrite, statusRates, type WritableStatus } from "../../operator/reconcile/index.ts";
import { differenceOf } from "../../operator/reconcile/status-difference.ts";

interface PlainEntry<Status> {
  readonly key: string;
  written: Status | undefined;
  wanted: Status;
  /** How many others began to differ before; undefined: it does not differ. */
  turn: number | undefined;
  writing: boolean;
  writtenAtMs: number;
  failures: number;
  failedAtMs: number;
}

/** As slow as it is plain. Counts only: `countsPerSecond` whole writes in any second at most. */
export class PlainStatusSchedule<Status extends WritableStatus> {
  readonly #countsPerSecond: number;
  #entries: PlainEntry<Status>[] = [];
  /** Tokens that are there, in thousandths. */
  #tokens: number;
  #refilledAtMs = 0;
  #lastTurn = 0;

  constructor(countsPerSecond: number) {
    this.#countsPerSecond = countsPerSecond;
    this.#tokens = countsPerSecond * 1_000;
  }

  get dirtyCount(): number {
    return this.#entries.filter(({ turn }) => turn !== undefined).length;
  }

  want(key: string, wanted: Status): void {
    const known = this.#find(key);
    const entry = known ?? {
      key,
      written: undefined,
      wanted,
      turn: undefined,
      writing: false,
      writtenAtMs: Number.NEGATIVE_INFINITY,
      failures: 0,
      failedAtMs: 0,
    };
    if (known === undefined) this.#entries.push(entry);
    entry.wanted = wanted;
    this.#judge(entry);
  }

  observe(key: string, stored: Status): void {
    const entry = this.#find(key);
    if (entry === undefined || entry.writing) return;
    entry.written = stored;
    this.#judge(entry);
  }

  forget(key: string): void {
    this.#entries = this.#entries.filter((it) => it.key !== key);
  }

  takeDue(nowMs: number, limit: number): DueWrite<Status>[] {
    this.#refill(nowMs);
    const inOrder = this.#entries.toSorted(
      (left, right) =>
        Number(isUrgent(right)) - Number(isUrgent(left)) || (left.turn ?? 0) - (right.turn ?? 0),
    );
    return inOrder.flatMap((entry) => {
      if (limit <= 0 || this.#dueAtMs(entry, nowMs) > nowMs) return [];
      limit -= 1;
      entry.writing = true;
      if (!isUrgent(entry)) this.#tokens -= 1_000;
      return [{ key: entry.key, status: entry.wanted }];
    });
  }

  done(key: string, status: Status, nowMs: number): void {
    const entry = this.#find(key);
    if (entry === undefined) return;
    Object.assign(entry, { writing: false, written: status, failures: 0, writtenAtMs: nowMs });
    entry.turn = undefined;
    this.#judge(entry);
  }

  failed(key: string, nowMs: number): void {
    const entry = this.#find(key);
    if (entry === undefined) return;
    Object.assign(entry, { writing: false, failures: entry.failures + 1, failedAtMs: nowMs });
  }

  nextDueMs(nowMs: number): number {
    this.#refill(nowMs);
    return Math.min(...this.#entries.map((it) => Math.max(nowMs, this.#dueAtMs(it, nowMs))));
  }

  #find(key: string): PlainEntry<Status> | undefined {
    return this.#entries.find((it) => it.key === key);
  }

  #judge(entry: PlainEntry<Status>): void {
    const differs = differenceOf(entry.written, entry.wanted) !== "none";
    entry.turn = differs ? (entry.turn ?? (this.#lastTurn += 1)) : undefined;
  }

  #dueAtMs(entry: PlainEntry<Status>, nowMs: number): number {
    if (entry.writing || entry.turn === undefined) return Number.POSITIVE_INFINITY;
    const { failures, failedAtMs, writtenAtMs } = entry;
    const pauseMs = Math.min(statusRates.retryMs * 2 ** (failures - 1), 60_000);
    const retryAtMs = failures === 0 ? 0 : failedAtMs + pauseMs;
    if (isUrgent(entry)) return retryAtMs;
    const missing = Math.max(0, 1_000 - this.#tokens);
    const tokenAtMs = nowMs + missing / this.#countsPerSecond;
    return Math.max(retryAtMs, writtenAtMs + statusRates.countsIntervalMs, tokenAtMs);
  }

  #refill(nowMs: number): void {
    const come = (nowMs - this.#refilledAtMs) * this.#countsPerSecond;
    this.#tokens = Math.min(this.#countsPerSecond * 1_000, this.#tokens + come);
    this.#refilledAtMs = nowMs;
  }
}

function isUrgent<Status extends WritableStatus>(entry: PlainEntry<Status>): boolean {
  return differenceOf(entry.written, entry.wanted) === "urgent";
}
