/** How often something may happen. */
export interface Rate {
  /** On average. Above 0. */
  readonly perSecond: number;
  /** At once after a pause, 1 or more. */
  readonly burst: number;
}

/** Whether it may happen: after this wait, or not now. */
export type Turn =
  | { readonly ok: true; readonly waitMs: number }
  | { readonly ok: false; readonly retryAfterMs: number };

/**
 * Bounds a rate with one number: the moment at which all that was allowed would have been used up
 * at the average rate (the generic cell rate algorithm, ITU-T I.371). Turns are handed out in
 * order.
 */
export class RateBucket {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  #usedUpToMs = -Infinity;

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1_000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
  }

  /** ms until a turn may be taken without a wait; 0: now. Nothing is taken. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#usedUpToMs - this.#toleranceMs - nowMs);
  }

  /**
   * Takes a turn.
   * @param maxWaitMs longest wait that is accepted; a turn that would be later is not taken.
   */
  take(nowMs: number, maxWaitMs = 0): Turn {
    const waitMs = this.waitMs(nowMs);
    if (waitMs > maxWaitMs) return { ok: false, retryAfterMs: waitMs - maxWaitMs };
    this.#usedUpToMs = Math.max(this.#usedUpToMs, nowMs) + this.#intervalMs;
    return { ok: true, waitMs };
  }
}
