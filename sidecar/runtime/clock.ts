/**
 * The real clocks, timers and chance. Bound in a main file (or the SDK's embedded node) and passed
 * down as ports, so that tests advance time instead of sleeping.
 */
import type { Clock, Random } from "../core/ports.ts";

/** Wall-clock time: for what people read, never for a decision about elapsed time. */
export interface WallClock {
  /** @returns ms since 1970-01-01 UTC; may jump. */
  nowEpochMs(): number;
}

/** One-shot timers. */
export interface Timers {
  /**
   * Calls back once.
   * @param delayMs 0 … 2^31 − 1; what Node cannot hold is shortened to that, so callers that wait
   *   longer look at the clock when called.
   * @returns cancels it; extra calls are harmless.
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** Node holds delays in a signed 32-bit number; a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

/** Monotonic time of this process. */
export const realClock: Clock = { nowMs: () => performance.now() };

/** The machine's date and time. */
export const realWallClock: WallClock = { nowEpochMs: () => Date.now() };

/** Chance for jitter and choice; not for secrets. */
export const realRandom: Random = { next: () => Math.random() };

/** Node's timers. A waiting timer keeps the process alive. */
export const realTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxDelayMs));
    return () => {
      clearTimeout(timer);
    };
  },
};
