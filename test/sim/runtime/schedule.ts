/** Time of a simulation: things happen at their moments, in order, and nothing else passes time. */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

/** See the head of the file. */
export class Schedule {
  #planned: Planned[] = [];
  #nowMs = 0;
  #order = 0;

  /** Virtual time, ms. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Plans something; at the same moment the earlier plan comes first. */
  at(atMs: number, happen: () => void): void {
    const planned = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, happen };
    let at = this.#planned.length;
    while (at > 0 && (this.#planned[at - 1]?.atMs ?? 0) > planned.atMs) at -= 1;
    this.#planned.splice(at, 0, planned);
  }

  /** Plans something for later. */
  after(delayMs: number, happen: () => void): void {
    this.at(this.#nowMs + delayMs, happen);
  }

  /** Lets everything happen up to a moment. */
  runUntil(endMs: number): void {
    for (let next = this.#planned[0]; next !== undefined; next = this.#planned[0]) {
      if (next.atMs > endMs) break;
      this.#planned.shift();
      this.#nowMs = next.atMs;
      next.happen();
    }
    this.#nowMs = endMs;
  }
}
