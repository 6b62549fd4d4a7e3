/**
 * When a status is written. The first one, a changed condition and a count that leaves or reaches
 * zero are written at once; other counts at most every 30 s per object and 20 a second over all,
 * the one that waits longest first; what did not change is not written. So that an API server is
 * not kept busy by queues that are.
 */

/** How a status looks here: counts and texts, nested, and conditions. */
export interface WritableStatus {
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly observedGeneration?: number;
  }[];
}

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

/** An object whose status should be written. */
interface Entry<Status> {
  /** What stands in the API server, as far as is known; undefined: nothing. */
  written: Status | undefined;
  wanted: Status;
  /** Since when `wanted` differs; undefined: it does not. */
  dirtySinceMs: number | undefined;
  /** A condition differs, or a count left or reached zero. */
  urgent: boolean;
  countsWrittenAtMs: number;
  failures: number;
  notBeforeMs: number;
  writing: boolean;
}

/** A write that is due. */
export interface DueWrite<Status> {
  readonly key: string;
  readonly status: Status;
}

/** Decides which status is written when. */
export class StatusSchedule<Status extends WritableStatus> {
  readonly #rates: StatusRates;
  readonly #entries = new Map<string, Entry<Status>>();
  readonly #dirty = new Set<string>();
  #tokens: number;
  #refilledAtMs = 0;

  /** @param rates what is not given is `statusRates`. */
  constructor(rates: Partial<StatusRates> = {}) {
    this.#rates = { ...statusRates, ...rates };
    this.#tokens = this.#rates.countsPerSecond;
  }

  /** Objects whose status waits to be written. */
  get dirtyCount(): number {
    return this.#dirty.size;
  }

  /**
   * What should stand.
   * @param stored what the API server showed last; only looked at the first time and after
   *   `observe`.
   */
  want(key: string, wanted: Status, at: { readonly stored?: Status; readonly nowMs: number }) {
    const entry = this.#entries.get(key) ?? newEntry(at.stored, wanted);
    this.#entries.set(key, entry);
    entry.wanted = wanted;
    this.#judge(key, entry, at.nowMs);
  }

  /** What was wanted last; undefined when nothing was. */
  wanted(key: string): Status | undefined {
    return this.#entries.get(key)?.wanted;
  }

  /** The API server shows something that was not written from here. */
  observe(key: string, stored: Status | undefined, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.writing) return;
    entry.written = stored;
    this.#judge(key, entry, nowMs);
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#entries.delete(key);
    this.#dirty.delete(key);
  }

  /**
   * Takes the writes that are due: each is reported by `done` or `failed` before its object is due
   * again.
   * @param limit writes at most.
   */
  takeDue(nowMs: number, limit: number): DueWrite<Status>[] {
    this.#refill(nowMs);
    const due: DueWrite<Status>[] = [];
    for (const [key, entry] of this.#inOrder()) {
      if (due.length >= limit) break;
      if (this.#dueAtMs(entry, nowMs) > nowMs) continue;
      if (!entry.urgent) this.#tokens -= 1;
      entry.writing = true;
      due.push({ key, status: entry.wanted });
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
    entry.dirtySinceMs = undefined;
    this.#judge(key, entry, nowMs);
  }

  /** A write failed; it is tried again. */
  failed(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.writing = false;
    entry.failures += 1;
    const pauseMs = this.#rates.retryMs * 2 ** Math.min(entry.failures - 1, 10);
    entry.notBeforeMs = nowMs + Math.min(pauseMs, longestRetryMs);
  }

  /** When `takeDue` may give something, Unix time in ms; Infinity: not without a change. */
  nextDueMs(nowMs: number): number {
    this.#refill(nowMs);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const key of this.#dirty) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) nextMs = Math.min(nextMs, this.#dueAtMs(entry, nowMs));
    }
    return nextMs;
  }

  #dueAtMs(entry: Entry<Status>, nowMs: number): number {
    if (entry.writing || entry.dirtySinceMs === undefined) return Number.POSITIVE_INFINITY;
    if (entry.urgent) return entry.notBeforeMs;
    const { countsIntervalMs, countsPerSecond } = this.#rates;
    const tokenAtMs =
      this.#tokens >= 1 ? nowMs : nowMs + ((1 - this.#tokens) * 1_000) / countsPerSecond;
    return Math.max(entry.notBeforeMs, entry.countsWrittenAtMs + countsIntervalMs, tokenAtMs);
  }

  #judge(key: string, entry: Entry<Status>, nowMs: number): void {
    const difference = differenceOf(entry.written, entry.wanted);
    if (difference === "none") {
      entry.dirtySinceMs = undefined;
      this.#dirty.delete(key);
      return;
    }
    entry.urgent = difference === "urgent";
    entry.dirtySinceMs ??= nowMs;
    this.#dirty.add(key);
  }

  /** Urgent ones first, then by how long they wait. */
  #inOrder(): [string, Entry<Status>][] {
    const entries = [...this.#dirty].flatMap((key): [string, Entry<Status>][] => {
      const entry = this.#entries.get(key);
      return entry === undefined ? [] : [[key, entry]];
    });
    return entries.sort(
      ([, left], [, right]) =>
        Number(right.urgent) - Number(left.urgent) ||
        (left.dirtySinceMs ?? 0) - (right.dirtySinceMs ?? 0),
    );
  }

  #refill(nowMs: number): void {
    const { countsPerSecond } = this.#rates;
    const passedMs = Math.max(0, nowMs - this.#refilledAtMs);
    this.#tokens = Math.min(countsPerSecond, this.#tokens + (passedMs * countsPerSecond) / 1_000);
    this.#refilledAtMs = Math.max(this.#refilledAtMs, nowMs);
  }
}

function newEntry<Status>(written: Status | undefined, wanted: Status): Entry<Status> {
  return {
    written,
    wanted,
    dirtySinceMs: undefined,
    urgent: false,
    countsWrittenAtMs: Number.NEGATIVE_INFINITY,
    failures: 0,
    notBeforeMs: 0,
    writing: false,
  };
}

/** How two statuses differ. */
export function differenceOf(
  written: WritableStatus | undefined,
  wanted: WritableStatus,
): "none" | "counts" | "urgent" {
  if (written === undefined) return "urgent";
  if (sameValue(written, wanted)) return "none";
  const { conditions: before, ...countsBefore } = written;
  const { conditions: after, ...countsAfter } = wanted;
  const verdicts = (list: WritableStatus["conditions"]): unknown =>
    list.map((it) => [it.type, it.status, it.reason, it.observedGeneration]);
  if (!sameValue(verdicts(before), verdicts(after))) return "urgent";
  return crossesZero(countsBefore, countsAfter) ? "urgent" : "counts";
}

/**
 * Some count, at whatever depth, is zero (or absent) on one side only, or something that is no
 * count changed: the generation, a time.
 */
function crossesZero(before: unknown, after: unknown): boolean {
  if (isRecord(before) && isRecord(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].some((key) => {
      if (key === "observedGeneration") return before[key] !== after[key];
      return crossesZero(before[key], after[key]);
    });
  }
  return isNothing(before) !== isNothing(after);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equality of plain values; an absent field is as good as an undefined one. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((each, at) => sameValue(each, right[at]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => sameValue(left[key], right[key]));
}
