/** The time that a request has, together with its caller's wish to end it: one signal for both. */
import type { Timers } from "./ports.ts";

/** Ends a request when its time is over or its caller says so. `end` it in any case. */
export class RequestDeadline {
  readonly #abort = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #cancel: () => void;
  #expired = false;

  /** @param timeoutMs ms; the caller's signal counts besides. */
  constructor(timers: Timers, timeoutMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#cancel = timers.after(timeoutMs, () => {
      this.#expired = true;
      this.#abort.abort();
    });
    if (caller?.aborted === true) this.#abort.abort();
    // By hand: AbortSignal.any keeps a trace in a caller's signal that lives long.
    else caller?.addEventListener("abort", this.#forward, { once: true });
  }

  /** For the request. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether the time is over. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Whether the caller ended it. */
  get aborted(): boolean {
    return this.#caller?.aborted === true;
  }

  /** The answer has begun: from here on only the caller ends it. */
  stopTimer(): void {
    this.#cancel();
  }

  /** Lets go of timer and caller; extra calls are harmless. */
  end(): void {
    this.#cancel();
    this.#caller?.removeEventListener("abort", this.#forward);
  }

  readonly #forward = (): void => {
    this.#abort.abort();
  };
}
