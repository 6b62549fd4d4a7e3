/**
 * Notices that the machine slept. A monotonic clock stands still while a virtual machine is
 * suspended; the clocks of others do not, and by them a lease has run out. The wall clock is right
 * again after the sleep, so it runs ahead by what was slept.
 */
import type { Clock, WallClock } from "./ports.ts";

/** Steps of the wall clock up to this are corrections, not sleep, ms. */
const toleratedMs = 1_000;

/**
 * Compares two clocks. A wall clock that was set forward by hand looks like sleep, which is the
 * safe side; one that was set back looks like nothing.
 */
export class SleepDetector {
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  #aheadMs: number;

  constructor(clock: Clock, wallClock: WallClock) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#aheadMs = this.#readMs();
  }

  /** @returns what was slept since it was asked last, ms; 0 = nothing. */
  sleptMs(): number {
    const before = this.#aheadMs;
    this.#aheadMs = this.#readMs();
    const sleptMs = this.#aheadMs - before;
    return sleptMs > toleratedMs ? sleptMs : 0;
  }

  #readMs(): number {
    return this.#wallClock.nowEpochMs() - this.#clock.nowMs();
  }
}
