/** Calls that wait for a ticket's outcome: `GET /v1/items/{ticket}?wait=` and `Prefer: wait`. */
import type { Timers } from "../runtime/index.ts";

/** Waits at once, over all tickets of the node. docs/limits.md names it. */
export const maxOutcomeWaiters = 20_000;

/** Wakes each waiter once: at the outcome, at its time, or when its client is gone. */
export class OutcomeWaiters<View> {
  readonly #timers: Timers;
  readonly #byTicket = new Map<string, Set<(view: View | undefined) => void>>();
  #count = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** True when one more would be over the bound. */
  get full(): boolean {
    return this.#count >= maxOutcomeWaiters;
  }

  /**
   * @returns the item with its outcome, as it was told; undefined after `waitMs`, when `signal`
   *   aborts and when the node ends.
   */
  wait(ticket: string, waitMs: number, signal?: AbortSignal): Promise<View | undefined> {
    if (waitMs <= 0 || signal?.aborted === true) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const waiters = this.#byTicket.get(ticket) ?? new Set();
      this.#byTicket.set(ticket, waiters);
      const wake = (view: View | undefined): void => {
        cancelTimer();
        signal?.removeEventListener("abort", giveUp);
        waiters.delete(wake);
        this.#count -= 1;
        if (waiters.size === 0) this.#byTicket.delete(ticket);
        resolve(view);
      };
      const giveUp = (): void => {
        wake(undefined);
      };
      const cancelTimer = this.#timers.after(waitMs, giveUp);
      signal?.addEventListener("abort", giveUp, { once: true });
      waiters.add(wake);
      this.#count += 1;
    });
  }

  /**
   * To be called when a ticket has an outcome.
   * @param viewOf asked only if somebody waits. It may be gone from the queue when they look.
   */
  wake(ticket: string, viewOf: () => View): void {
    if (this.#count === 0) return;
    const waiters = this.#byTicket.get(ticket);
    if (waiters === undefined) return;
    const view = viewOf();
    for (const wake of [...waiters]) wake(view);
  }

  /** Wakes everybody: the node ends. */
  wakeAll(): void {
    for (const waiters of [...this.#byTicket.values()]) {
      for (const wake of [...waiters]) wake(undefined);
    }
  }
}
