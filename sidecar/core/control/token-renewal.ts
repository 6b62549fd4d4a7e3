/**
 * When to show a fresh token. The kubelet writes one when a fifth of the old one's life is left;
 * from then on the file is looked at in short steps until it holds another.
 */
import { controlLimits } from "./control-limits.ts";

/** The token of one stream. */
export class TokenRenewal {
  #leftMs: number;
  #dueMs: number;
  #again = false;

  /** @param leftMs time that the token of the stream has left; Infinity when it has no end. */
  constructor(leftMs: number, nowMs: number) {
    this.#leftMs = leftMs;
    this.#dueMs = dueOf(leftMs, nowMs);
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
  }

  /** Whether the token that was shown last is to be shown again: nobody could review it. */
  get again(): boolean {
    return this.#again;
  }

  /** @returns whether to look for a fresh one now; then not again for a while. */
  take(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + controlLimits.tokenRetryMs;
    return true;
  }

  /** A fresh one was shown. @param leftMs undefined: as long as the one before. */
  shown(leftMs: number | undefined, nowMs: number): void {
    this.#leftMs = leftMs ?? this.#leftMs;
    this.#again = false;
    this.#dueMs = Math.max(dueOf(this.#leftMs, nowMs), nowMs + controlLimits.tokenRetryMs);
  }

  /**
   * The one that was shown could not be reviewed.
   * @param retryAfterMs at the earliest, from now.
   */
  notReviewed(retryAfterMs: number, nowMs: number): void {
    this.#again = true;
    this.#dueMs = nowMs + Math.max(retryAfterMs, controlLimits.tokenRetryMs);
  }
}

function dueOf(leftMs: number, nowMs: number): number {
  return nowMs + leftMs * (1 - controlLimits.tokenPartLeft);
}
