import type { Random } from "../../sidecar/core/ports.ts";

/**
 * Chance that replays: the same seed gives the same numbers on every machine.
 * Source: sfc32 of PractRand (Chris Doty-Humphrey), 32-bit integer steps only.
 */
export class SeededRandom implements Random {
  /** To be printed when a run fails. */
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed integer, 0 … 2^32 − 1. */
  constructor(seed: number) {
    this.seed = seed;
    this.#a = seed | 0;
    this.#b = (seed ^ 0x9e3779b9) | 0;
    this.#c = 0x6d2b79f5;
    // Neighbouring seeds start alike; sfc32 needs about a dozen steps to part them.
    for (let step = 0; step < 15; step++) this.next();
  }

  /** @returns a number in [0, 1), in steps of 2^-32. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** @returns an integer in [min, max], both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** @returns whether an event of this probability (0 … 1) happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * @returns one of the items.
   * @throws {Error} when there are none.
   */
  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** @returns a generator of its own, so that one part's use does not shift another's numbers. */
  fork(): SeededRandom {
    return new SeededRandom(this.integer(0, 2 ** 32 - 1));
  }
}
