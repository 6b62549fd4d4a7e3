/**
 * When to show a fresh token. The kubelet writes one when a fifth of the old one's life is left;
 * from then on the file is looked at in short steps until it holds another.
 */
import { controlLimits } from "./control-limits.ts";

/** The token of one stream. */
export class TokenRenewal {
  #leftMs: number;
  #dueMs: number;

  /** @param leftMs time that the token of the stream has left; Infinity when it has no end. */
  constructor(leftMs: number, nowMs: number) {
    this.#leftMs = leftMs;
    this.#dueMs = dueOf(leftMs, nowMs);
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
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
    this.#dueMs = Math.max(dueOf(this.#leftMs, nowMs), nowMs + controlLimits.tokenRetryMs);
  }
}

function dueOf(leftMs: number, nowMs: number): number {
  return nowMs + leftMs * (1 - controlLimits.tokenPartLeft);
}
