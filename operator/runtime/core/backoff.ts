/**
 * Waits that double: one after another for a connection, by count for an item of a queue. Source:
 * k8s.io/client-go `util/workqueue` ItemExponentialFailureRateLimiter, `tools/cache` reflector.
 */
import type { Random } from "../ports.ts";

/** From where to where waits grow. */
export interface BackoffOptions {
  /** First wait, ms, > 0. */
  readonly baseMs: number;
  /** Longest wait, ms, ≥ baseMs. */
  readonly maxMs: number;
}

/**
 * The wait after a number of failures.
 * @param failures failures before this one, 0 or more.
 * @returns baseMs · 2^failures, at most maxMs. No overflow, however many failures.
 */
export function exponentialMs(options: BackoffOptions, failures: number): number {
  return Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures, 64));
}

/** Growing waits with jitter, so that many who lost the same server do not come back at once. */
export class JitteredBackoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** @returns the next wait, ms: between half and the whole of the exponential one. */
  nextMs(): number {
    const wholeMs = exponentialMs(this.#options, this.#failures);
    this.#failures += 1;
    return wholeMs / 2 + (wholeMs / 2) * this.#random.next();
  }

  /** After a success: the next wait is the first one again. */
  reset(): void {
    this.#failures = 0;
  }
}
