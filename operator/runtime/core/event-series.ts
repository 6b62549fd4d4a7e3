/**
 * Events without a flood: the same thing said again within six minutes becomes one event that
 * counts, and one object cannot say more than a few things a minute. Source: k8s.io/client-go
 * `tools/events` (series) and `tools/record` (rate per object).
 */
import { TokenBucket } from "./token-bucket.ts";

/** What is said, about what. Equal statements are one series. */
export interface Statement {
  /** uid of the object, or its key where it has none. */
  readonly regarding: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** What is to be written for a statement. */
export type EventWrite =
  /** A new event; tell its name with `named` when it is written. */
  | { readonly type: "create"; readonly series: number }
  /** One more in its series: count and last time are written. */
  | { readonly type: "count"; readonly series: number; readonly count: number }
  /** Counted; its series is written later or was written just now. */
  | { readonly type: "nothing" }
  /** Above the object's rate, or too many series at once. */
  | { readonly type: "dropped"; readonly why: "rate" };

interface Series {
  readonly id: number;
  readonly key: string;
  count: number;
  writtenCount: number;
  lastMs: number;
  writtenAtMs: number;
}

/** A series ends when it was silent for this long. */
export const seriesSilenceMs = 6 * 60_000;

/** A series that goes on is written this often at most. */
export const seriesWriteMs = 60_000;

/** Series and objects remembered at most; the oldest is forgotten first. */
export const maxSeries = 4_096;

/** client-go's rate of one object: 25 at once, then one in five minutes. */
const objectRate = { burst: 25, perSecond: 1 / 300 };

/** Decides which events are written. */
export class EventSeries {
  readonly #series = new Map<string, Series>();
  readonly #objects = new Map<string, TokenBucket>();
  #lastId = 0;

  /** Takes one statement. */
  say(statement: Statement, nowMs: number): EventWrite {
    const { regarding, type, reason, action, note } = statement;
    const key = [regarding, type, reason, action, note].join("\n");
    const known = this.#series.get(key);
    if (known !== undefined && nowMs - known.lastMs < seriesSilenceMs) {
      return this.#again(known, nowMs);
    }
    if (!this.#bucketOf(regarding).tryTake(nowMs)) return { type: "dropped", why: "rate" };
    this.#lastId += 1;
    const id = this.#lastId;
    this.#series.delete(key);
    this.#series.set(key, {
      id,
      key,
      count: 1,
      writtenCount: 1,
      lastMs: nowMs,
      writtenAtMs: nowMs,
    });
    forgetOldest(this.#series);
    return { type: "create", series: id };
  }

  /** @returns when a count that is not written yet is due, ms; Infinity = never. */
  nextDeadlineMs(): number {
    let nextMs = Infinity;
    for (const { count, writtenCount, writtenAtMs } of this.#series.values()) {
      if (count > writtenCount) nextMs = Math.min(nextMs, writtenAtMs + seriesWriteMs);
    }
    return nextMs;
  }

  /** Lets time pass. @returns counts that are due; series that ended are forgotten. */
  advance(nowMs: number): EventWrite[] {
    const writes: EventWrite[] = [];
    for (const [key, series] of this.#series) {
      if (series.count > series.writtenCount) {
        if (nowMs >= series.writtenAtMs + seriesWriteMs) writes.push(this.#write(series, nowMs));
      } else if (nowMs - series.lastMs >= seriesSilenceMs) {
        this.#series.delete(key);
      }
    }
    return writes;
  }

  #again(series: Series, nowMs: number): EventWrite {
    series.count += 1;
    series.lastMs = nowMs;
    // The second one is written at once: until then nobody sees that it is a series.
    const second = series.count === 2;
    if (!second && nowMs < series.writtenAtMs + seriesWriteMs) return { type: "nothing" };
    return this.#write(series, nowMs);
  }

  #write(series: Series, nowMs: number): EventWrite {
    series.writtenCount = series.count;
    series.writtenAtMs = nowMs;
    return { type: "count", series: series.id, count: series.count };
  }

  #bucketOf(regarding: string): TokenBucket {
    const known = this.#objects.get(regarding);
    const bucket = known ?? new TokenBucket(objectRate);
    // Set anew, so that the first of the Map is the one that was quiet longest.
    this.#objects.delete(regarding);
    this.#objects.set(regarding, bucket);
    forgetOldest(this.#objects);
    return bucket;
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= maxSeries) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
