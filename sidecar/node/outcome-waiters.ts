/** Calls that wait for a ticket's outcome: `GET /v1/items/{ticket}?wait=` and `Prefer: wait`. */
import type { Timers } from "../runtime/index.ts";

/** Waits at once, over all tickets of the node. docs/limits.md names it. */
export const maxOutcomeWaiters = 20_000;

/** Wakes each waiter once: at the outcome, at its time, or when its client is gone. */
export class OutcomeWaiters {
  readonly #timers: Timers;
  readonly #byTicket = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** True when one more would be over the bound. */
  get full(): boolean {
    return this.#count >= maxOutcomeWaiters;
  }

  /** @returns resolves at the outcome, after `waitMs`, or when `signal` aborts. */
  wait(ticket: string, waitMs: number, signal?: AbortSignal): Promise<void> {
    if (waitMs <= 0 || signal?.aborted === true) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const waiters = this.#byTicket.get(ticket) ?? new Set();
      this.#byTicket.set(ticket, waiters);
      const wake = (): void => {
        cancelTimer();
        signal?.removeEventListener("abort", wake);
        waiters.delete(wake);
        this.#count -= 1;
        if (waiters.size === 0) this.#byTicket.delete(ticket);
        resolve();
      };
      const cancelTimer = this.#timers.after(waitMs, wake);
      signal?.addEventListener("abort", wake, { once: true });
      waiters.add(wake);
      this.#count += 1;
    });
  }

  /** To be called when a ticket has an outcome. */
  wake(ticket: string): void {
    if (this.#count === 0) return;
    const waiters = this.#byTicket.get(ticket);
    if (waiters === undefined) return;
    for (const wake of [...waiters]) wake();
  }

  /** Wakes everybody: the node ends. */
  wakeAll(): void {
    for (const ticket of [...this.#byTicket.keys()]) {
      this.wake(ticket);
    }
  }
}
