/** Waiting between tries: exponential, full jitter, capped; cut short by a signal. */
import { setTimeout as sleep } from "node:timers/promises";

const initialMs = 50;
const maxMs = 2_000;

/** Delays of one series of tries. */
export class Retry {
  readonly #signal: AbortSignal;
  #failures = 0;

  /** @param signal ends every wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** The series went well: the next delay is short again. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Waits before the next try: random in [0, min(2 s, 50 ms × 2^failures)], at least `atLeastMs`.
   * Never rejects; returns at once when the signal has aborted.
   */
  async wait(atLeastMs = 0): Promise<void> {
    // Beyond 2^16 the cap has long been reached.
    const ceilingMs = Math.min(maxMs, initialMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    // Many programs lose one sidecar at once: without jitter they come back at once too.
    const delayMs = Math.max(atLeastMs, Math.random() * ceilingMs);
    await pause(delayMs, this.#signal);
  }
}

/** Sleeps, or returns early when the signal aborts. Never rejects. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch {
    // Aborted: the caller looks at its signal.
  }
}
