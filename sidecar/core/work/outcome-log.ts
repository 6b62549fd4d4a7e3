/** Outcomes in the order in which they were recorded, bounded by count, bytes and age. */
import { assertNever } from "../ports.ts";
import type { RetentionOptions } from "./demand-options.ts";
import type { Item } from "./item.ts";

/** What an entry costs beside its payloads: the item, its ticket, its places in maps. Bytes. */
const entryOverheadBytes = 512;

interface Entry {
  readonly number: number;
  readonly item: Item;
  readonly atMs: number;
  readonly sizeBytes: number;
}

/**
 * A first-in, first-out list of ended items. An entry is void once its item got a newer outcome or
 * was driven again; void entries are skipped.
 */
export class OutcomeLog {
  /** Places before `#first` are empty: a dropped item is held by nothing from then on. */
  #entries: (Entry | undefined)[] = [];
  #first = 0;
  #live = 0;
  #bytes = 0;
  #dropped = 0;

  /** Entries that were dropped because of a bound. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Entries that count. */
  get size(): number {
    return this.#live;
  }

  /** Bytes that count. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Takes in an item that has just got outcome `item.outcomeNumber`. */
  add(item: Item, nowMs: number): void {
    const sizeBytes = entryOverheadBytes + item.request.length + outcomeBytes(item);
    this.#entries.push({ number: item.outcomeNumber, item, atMs: nowMs, sizeBytes });
    this.#live += 1;
    this.#bytes += sizeBytes;
  }

  /** The item is driven again: its entry no longer counts. Call before its outcome is forgotten. */
  void(item: Item): void {
    this.#live -= 1;
    this.#bytes -= entryOverheadBytes + item.request.length + outcomeBytes(item);
  }

  /** @returns items over the bounds, oldest first; they are out of the log. */
  trim(bounds: RetentionOptions, nowMs: number): Item[] {
    const out: Item[] = [];
    for (;;) {
      const entry = this.#head();
      if (entry === undefined) break;
      if (!this.#isOver(bounds) && entry.atMs + bounds.maxAgeMs > nowMs) break;
      this.#passFirst();
      this.#live -= 1;
      this.#bytes -= entry.sizeBytes;
      this.#dropped += 1;
      out.push(entry.item);
    }
    this.#compact();
    return out;
  }

  /** When `trim` has something to do: at once, when the oldest entry comes of age, or never. */
  nextDeadlineMs(bounds: RetentionOptions): number {
    const entry = this.#head();
    if (entry === undefined) return Infinity;
    return this.#isOver(bounds) ? entry.atMs : entry.atMs + bounds.maxAgeMs;
  }

  /** Items whose outcome number is above `after`, oldest first, at most `limit`. */
  after(after: number, limit: number): Item[] {
    const out: Item[] = [];
    for (let index = this.#lowerBound(after); index < this.#entries.length; index++) {
      if (out.length >= limit) break;
      const entry = this.#entries[index];
      if (entry !== undefined && isLive(entry)) out.push(entry.item);
    }
    return out;
  }

  #isOver(bounds: RetentionOptions): boolean {
    return this.#live > bounds.maxItems || this.#bytes > bounds.maxBytes;
  }

  #head(): Entry | undefined {
    for (;;) {
      const entry = this.#entries[this.#first];
      if (entry === undefined || isLive(entry)) return entry;
      this.#passFirst();
    }
  }

  #passFirst(): void {
    this.#entries[this.#first] = undefined;
    this.#first += 1;
  }

  /** First place whose number is above `after`: numbers grow along the list. */
  #lowerBound(after: number): number {
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.number <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops what is behind the first entry, and void entries, once they are half of the list. */
  #compact(): void {
    if (this.#entries.length < 256 || this.#entries.length < 2 * this.#live) return;
    this.#entries = this.#entries
      .slice(this.#first)
      .filter((entry) => entry !== undefined && isLive(entry));
    this.#first = 0;
  }
}

function isLive(entry: Entry): boolean {
  return entry.item.outcomeNumber === entry.number && entry.item.outcome !== undefined;
}

function outcomeBytes(item: Item): number {
  const outcome = item.outcome;
  if (outcome === undefined) return 0;
  switch (outcome.kind) {
    case "result":
      return outcome.result.length;
    case "error":
      return 2 * (outcome.error.message.length + outcome.error.details.length);
    case "system":
      return 2 * outcome.system.message.length;
    default:
      return assertNever(outcome);
  }
}
