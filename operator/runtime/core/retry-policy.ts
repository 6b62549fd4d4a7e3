/**
 * Whether and when a request is sent again. Source: client-go `rest/with_retry.go` (repeats what
 * the server asks to repeat) and the API conventions on which verbs are idempotent.
 */
import type { ApiError } from "../api-error.ts";
import { exponentialMs } from "./backoff.ts";

/** A request that failed. */
export interface FailedAttempt {
  readonly error: ApiError;
  /** Whether sending it twice does what sending it once does: GET, apply. */
  readonly idempotent: boolean;
  /** Attempts made, 1 or more. */
  readonly attempts: number;
  /** Time since the first attempt began, ms. */
  readonly elapsedMs: number;
  /** Time for all attempts, ms. */
  readonly timeoutMs: number;
  /** Longest Retry-After that is kept to, ms; one above it is cut. Absent: each is kept to. */
  readonly longestAskedMs?: number | undefined;
  /** In [0, 1). */
  readonly chance: number;
}

/** Attempts at most; above them stand the queue's retries. */
export const maxAttempts = 5;

/** Longest wait that a server can ask for here, ms; a longer one is the caller's to decide on. */
const longestWaitMs = 10_000;

const waits = { baseMs: 100, maxMs: 2_000 };

/** @returns ms to wait before the next attempt; undefined = give up. */
export function retryDelayMs(failed: FailedAttempt): number | undefined {
  const { error, attempts, elapsedMs, timeoutMs, chance, longestAskedMs = Infinity } = failed;
  if (attempts >= maxAttempts || !mayRepeat(failed)) return undefined;
  const wholeMs = exponentialMs(waits, attempts - 1);
  const jitteredMs = wholeMs / 2 + (wholeMs / 2) * chance;
  // Jitter on top of what the server asked for: it asks everybody for the same.
  const asked =
    error.retryAfterMs === undefined ? undefined : Math.min(error.retryAfterMs, longestAskedMs);
  const delayMs = asked === undefined ? jitteredMs : asked + jitteredMs;
  if (delayMs > longestWaitMs || elapsedMs + delayMs >= timeoutMs) return undefined;
  return delayMs;
}

function mayRepeat({ error, idempotent }: FailedAttempt): boolean {
  switch (error.code) {
    // Turned away before it was looked at.
    case "TOO_MANY_REQUESTS":
      return true;
    case "SERVER_ERROR":
      return error.retryAfterMs !== undefined || (idempotent && error.status !== 501);
    case "UNREACHABLE":
      return error.unsent || idempotent;
    default:
      return false;
  }
}
