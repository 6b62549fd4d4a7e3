/** Outcomes in the order in which they were recorded, bounded by count, bytes and age. */
import { assertNever } from "../ports.ts";
import type { RetentionOptions } from "./demand-options.ts";
import { EndedItem, type KnownItem } from "./ended-item.ts";
import type { Item, Outcome } from "./item.ts";

/** What an entry costs beside its payloads: the item, its places in maps. Bytes. */
const entryOverheadBytes = 512;

/** An item that can be driven again: its entry is void once it was. */
interface DeadEntry {
  readonly outcomeNumber: number;
  readonly item: Item;
  readonly atMs: number;
}

type Entry = EndedItem | DeadEntry;

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

  /** Takes in an item that has just got outcome `outcomeNumber`. */
  add(known: KnownItem, nowMs: number): void {
    const { outcomeNumber } = known;
    this.#entries.push(
      known instanceof EndedItem ? known : { outcomeNumber, item: known, atMs: nowMs },
    );
    this.#live += 1;
    this.#bytes += sizeOf(known);
  }

  /** The item is driven again: its entry no longer counts. Call before its outcome is forgotten. */
  void(item: Item): void {
    this.#live -= 1;
    this.#bytes -= sizeOf(item);
  }

  /** @returns items over the bounds, oldest first; they are out of the log. */
  trim(bounds: RetentionOptions, nowMs: number): readonly KnownItem[] {
    let out: KnownItem[] | undefined;
    for (;;) {
      const entry = this.#head();
      if (entry === undefined) break;
      if (!this.#isOver(bounds) && entry.atMs + bounds.maxAgeMs > nowMs) break;
      const known = itemOf(entry);
      this.#passFirst();
      this.#live -= 1;
      this.#bytes -= sizeOf(known);
      this.#dropped += 1;
      out ??= [];
      out.push(known);
    }
    if (out === undefined) return nothing;
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
  after(after: number, limit: number): KnownItem[] {
    const out: KnownItem[] = [];
    for (let index = this.#lowerBound(after); index < this.#entries.length; index++) {
      if (out.length >= limit) break;
      const entry = this.#entries[index];
      if (entry !== undefined && isLive(entry)) out.push(itemOf(entry));
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
      if (entry !== undefined && entry.outcomeNumber <= after) low = middle + 1;
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

const nothing: readonly KnownItem[] = [];

function itemOf(entry: Entry): KnownItem {
  return entry instanceof EndedItem ? entry : entry.item;
}

function isLive(entry: Entry): boolean {
  if (entry instanceof EndedItem) return true;
  const { item, outcomeNumber } = entry;
  return item.outcomeNumber === outcomeNumber && item.outcome !== undefined;
}

function sizeOf(known: KnownItem): number {
  const requestBytes = known instanceof EndedItem ? 0 : known.request.length;
  return entryOverheadBytes + requestBytes + outcomeBytes(known.outcome);
}

function outcomeBytes(outcome: Outcome | undefined): number {
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
