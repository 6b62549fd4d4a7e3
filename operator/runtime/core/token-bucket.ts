/**
 * A bucket of tokens: fills at a steady rate up to a burst; what takes more has to wait for what it
 * borrowed. Source: golang.org/x/time/rate, `Limiter.Reserve`.
 */

/** How fast it fills and how much it holds. */
export interface TokenBucketOptions {
  /** Tokens that come in a second, > 0. */
  readonly perSecond: number;
  /** Tokens that it holds when full, ≥ 1. */
  readonly burst: number;
}

/** Time goes by the caller's clock; a clock that goes back adds nothing. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  /** ≤ burst; below 0 by what is borrowed from the time to come. */
  #tokens: number;
  #atMs = -Infinity;

  /** @throws {RangeError} for a rate or a burst outside its range. */
  constructor(options: TokenBucketOptions) {
    if (!(options.perSecond > 0) || !(options.burst >= 1)) {
      throw new RangeError(
        `token bucket: perSecond ${options.perSecond} is > 0, burst ${options.burst} is ≥ 1`,
      );
    }
    this.#perMs = options.perSecond / 1_000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
  }

  /**
   * Takes one token, from the time to come if there is none.
   * @returns ms until the taker may go; 0 at once.
   */
  reserve(nowMs: number): number {
    this.#fill(nowMs);
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** Takes a token if there is one now. */
  tryTake(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #fill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
  }
}
