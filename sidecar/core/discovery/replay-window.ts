/**
 * Which sequence numbers were seen: the highest and a bitmap of the 256 up to it, so that a late
 * packet is still taken once. Source: RFC 4303 §3.4.3.
 */
const windowSize = 256;

/** Sequence numbers of one sender. */
export class ReplayWindow {
  #highest = 0;
  readonly #seen = new Uint8Array(windowSize);

  /**
   * Marks a number as seen.
   * @param sequence integer, 1 … 2^53 − 1.
   * @returns `new` once per number; `duplicate` after that; `old` when it is 256 or more behind.
   */
  take(sequence: number): "new" | "duplicate" | "old" {
    if (sequence + windowSize <= this.#highest) return "old";
    if (sequence > this.#highest) {
      // Slots between the two belong to numbers that were not seen yet.
      if (sequence - this.#highest >= windowSize) this.#seen.fill(0);
      else for (let n = this.#highest + 1; n < sequence; n++) this.#seen[n % windowSize] = 0;
      this.#highest = sequence;
    } else if (this.#seen[sequence % windowSize] === 1) {
      return "duplicate";
    }
    this.#seen[sequence % windowSize] = 1;
    return "new";
  }
}
