/**
 * When a program or sidecar that ended is started again: after 100 ms, doubling to 5 s; one that
 * lived 10 s starts afresh. Pure: the supervisor asks, waits and starts.
 */

/** Delay before the first restart, ms. */
export const firstRestartMs = 100;

/** Longest delay, ms. */
export const longestRestartMs = 5_000;

/** A life this long, ms, ends a series of failures. */
export const provenLifeMs = 10_000;

/**
 * Delay before the next start.
 * @param lastDelayMs what this answered the last time; undefined at the first end.
 * @param livedMs how long the process lived.
 * @returns ms, `firstRestartMs` … `longestRestartMs`.
 */
export function restartDelayMs(lastDelayMs: number | undefined, livedMs: number): number {
  if (lastDelayMs === undefined || livedMs >= provenLifeMs) return firstRestartMs;
  return Math.min(lastDelayMs * 2, longestRestartMs);
}
