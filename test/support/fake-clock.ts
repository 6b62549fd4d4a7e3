import type { Clock } from "../../sidecar/core/ports.ts";

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #nowMs: number;

  /** @param startMs not 0 by default, so that code which takes 0 for "never" is noticed. */
  constructor(startMs = 1_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /**
   * Lets time pass.
   * @param ms 0 or more.
   * @returns the new time, ms.
   */
  advance(ms: number): number {
    if (!(ms >= 0)) throw new Error(`time does not go back: ${ms} ms`);
    this.#nowMs += ms;
    return this.#nowMs;
  }

  /** Moves on to a moment that is not in the past. */
  advanceTo(nowMs: number): number {
    return this.advance(nowMs - this.#nowMs);
  }
}
