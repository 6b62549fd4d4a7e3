import { type Difference, difference, type Snapshot } from "./snapshot.ts";

/** Snapshots that are remembered: sidecars are mostly one or two behind. */
const maxRemembered = 4;

/**
 * The latest snapshots of one set, so that a sidecar that is a little behind gets a difference.
 * With many followers of one set the same difference is asked for again and again: it is made once.
 */
export class SnapshotHistory<T> {
  #latest: Snapshot<T>;
  readonly #remembered = new Map<string, Snapshot<T>>();
  /** Differences to the latest, by the digest they begin at. */
  readonly #differences = new Map<string, Difference<T>>();

  constructor(first: Snapshot<T>) {
    this.#latest = first;
    this.#remembered.set(first.digest, first);
  }

  /** What followers are to hold. */
  get latest(): Snapshot<T> {
    return this.#latest;
  }

  /** @returns whether it differs from the one before. */
  push(next: Snapshot<T>): boolean {
    if (next.digest === this.#latest.digest) return false;
    this.#latest = next;
    this.#differences.clear();
    this.#remembered.delete(next.digest);
    this.#remembered.set(next.digest, next);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
    return true;
  }

  /** @returns undefined when it is not remembered. */
  find(digest: string): Snapshot<T> | undefined {
    return this.#remembered.get(digest);
  }

  /** @param from one that a follower holds; undefined: nothing. */
  toLatest(from: Snapshot<T> | undefined): Difference<T> {
    const key = from?.digest ?? "";
    const known = this.#differences.get(key);
    if (known !== undefined) return known;
    const made = difference(from, this.#latest);
    // A reader that is further behind than is remembered holds its own snapshot: made for it alone.
    if (key === "" || this.#remembered.has(key)) this.#differences.set(key, made);
    return made;
  }
}
