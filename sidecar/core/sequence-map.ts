/**
 * A map whose keys are numbers that were given out in order: items, calls. Picture a ledger with
 * loose leaves: a number names its leaf and its line, a leaf is taken out once every line of it is
 * crossed out. No hashing of members, and what has gone is held by nothing (see churn-map.ts for
 * what a Map does instead).
 * Cost: O(1); memory: a page of 64 places for each 64 numbers of which one at least is in it.
 */
const pageSize = 64;

interface Page<V> {
  readonly places: (V | undefined)[];
  count: number;
}

/** Keys are integers, 0 … 2^53 − 1; members are never undefined. */
export class SequenceMap<V extends object> {
  readonly #pages = new Map<number, Page<V>>();
  /** The page that was asked for last. */
  #page: Page<V> | undefined;
  #pageNumber = -1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): V | undefined {
    return this.#pageOf(key)?.places[key % pageSize];
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  set(key: number, member: V): void {
    const page = this.#pageOf(key) ?? this.#newPage(key);
    const place = key % pageSize;
    if (page.places[place] === undefined) {
      page.count += 1;
      this.#size += 1;
    }
    page.places[place] = member;
  }

  /** @returns false when it was not in it. */
  delete(key: number): boolean {
    const page = this.#pageOf(key);
    const place = key % pageSize;
    if (page?.places[place] === undefined) return false;
    page.places[place] = undefined;
    page.count -= 1;
    this.#size -= 1;
    if (page.count === 0) {
      this.#pages.delete(Math.floor(key / pageSize));
      this.#page = undefined;
      this.#pageNumber = -1;
    }
    return true;
  }

  /** Members in the order of their keys, if pages were begun in that order. */
  *values(): Generator<V> {
    for (const { places } of this.#pages.values()) {
      for (const member of places) if (member !== undefined) yield member;
    }
  }

  #pageOf(key: number): Page<V> | undefined {
    const number = Math.floor(key / pageSize);
    if (number === this.#pageNumber) return this.#page;
    const page = this.#pages.get(number);
    if (page !== undefined) {
      this.#page = page;
      this.#pageNumber = number;
    }
    return page;
  }

  #newPage(key: number): Page<V> {
    const places = Array<V | undefined>(pageSize).fill(undefined);
    const page = { places, count: 0 };
    this.#pageNumber = Math.floor(key / pageSize);
    this.#pages.set(this.#pageNumber, page);
    this.#page = page;
    return page;
  }
}
