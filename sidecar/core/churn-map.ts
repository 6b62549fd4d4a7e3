/**
 * A Map for members that come and go quickly. V8 moves the entries of a Map with many
 * deletions to a new table, and the old table keeps both its entries and a pointer to the new one.
 * Once one such table has grown old, all that follow it outlive every small garbage collection,
 * with whatever went through the Map meanwhile. Beginning anew with a fresh Map now and then cuts
 * that chain. Source: V8, src/objects/ordered-hash-table.cc (`SetNextTable`).
 */

/** Deletions before a fresh start, beside twice the number of members: copying stays cheap. */
const leastDeletions = 1_024;

/** The part of Map that is needed. Order and cost are Map's; do not `set` while iterating. */
export class ChurnMap<K, V> {
  #map = new Map<K, V>();
  #deletions = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    if (this.#deletions > leastDeletions + 2 * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#deletions = 0;
    }
    this.#map.set(key, value);
  }

  /** @returns false when it was not in it. */
  delete(key: K): boolean {
    const deleted = this.#map.delete(key);
    if (deleted) this.#deletions += 1;
    return deleted;
  }

  keys(): MapIterator<K> {
    return this.#map.keys();
  }

  values(): MapIterator<V> {
    return this.#map.values();
  }
}
