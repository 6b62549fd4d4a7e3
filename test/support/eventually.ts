/**
 * Waiting for what another process does: ask again until it is so, with a deadline that names what
 * was waited for. Tests inside one process use a fake clock instead and never wait.
 */
import { setTimeout as delay } from "node:timers/promises";

/** How long `eventually` asks, and how often. */
export interface EventuallyOptions {
  /** Deadline, ms. @default 5,000 */
  readonly timeoutMs?: number;
  /** Pause between two questions, ms. @default 20 */
  readonly intervalMs?: number;
  /** What is waited for, for the error. @default "the condition" */
  readonly what?: string;
}

/**
 * Calls `probe` until it neither throws nor answers false or undefined.
 * @param probe a question without side effects; a thrown error (a failed `expect`) means "not yet".
 * @returns what the probe answered.
 * @throws {Error} at the deadline, with the last error of the probe as its cause and in its
 *   message.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const { timeoutMs = 5_000, intervalMs = 20, what = "the condition" } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let last: Error | undefined;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      last = undefined;
    } catch (error) {
      last = error instanceof Error ? error : new Error(String(error));
    }
    if (performance.now() >= deadlineMs) break;
    await delay(intervalMs);
  }
  const why = last === undefined ? "" : `: ${last.message}`;
  throw new Error(`${what} did not come true within ${timeoutMs} ms${why}`, { cause: last });
}
