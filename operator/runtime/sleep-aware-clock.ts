/**
 * Monotonic time that also counts what the machine slept. A monotonic clock stands still while a
 * virtual machine is suspended; other machines' clocks do not, and by them a lease has run out.
 */
import type { Clock, WallClock } from "./ports.ts";

/** Steps of the wall clock up to this are corrections, not sleep, ms. */
const toleratedMs = 1_000;

/**
 * Moves on by what the wall clock jumped ahead between two readings. A wall clock that was set forward
 * by hand counts as sleep, which is the safe side; one that was set back changes nothing.
 */
export class SleepAwareClock implements Clock {
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  #differenceMs: number;
  #sleptMs = 0;

  constructor(clock: Clock, wallClock: WallClock) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#differenceMs = wallClock.nowEpochMs() - clock.nowMs();
  }

  /** @returns ms since an arbitrary start; never goes back. */
  nowMs(): number {
    const nowMs = this.#clock.nowMs();
    const differenceMs = this.#wallClock.nowEpochMs() - nowMs;
    const aheadMs = differenceMs - this.#differenceMs;
    this.#differenceMs = differenceMs;
    if (aheadMs > toleratedMs) this.#sleptMs += aheadMs;
    return nowMs + this.#sleptMs;
  }
}
