/** The time that a request has, together with its caller's wish to end it. */
import type { Timers } from "./ports.ts";

/** Of what a deadline is made. */
export interface RequestDeadlineOptions {
  readonly timers: Timers;
  /** ms. */
  readonly timeoutMs: number;
  /** Of the caller; counts besides. */
  readonly signal: AbortSignal | undefined;
  /** Called once at most, when the time is over or the caller ends the request. */
  readonly onOver: () => void;
}

/** Ends a request when its time is over or its caller says so. `end` it in any case. */
export class RequestDeadline {
  readonly #caller: AbortSignal | undefined;
  readonly #onOver: () => void;
  readonly #cancel: () => void;
  #expired = false;

  /** A signal that is aborted already is not told of: ask `aborted`. */
  constructor({ timers, timeoutMs, signal, onOver }: RequestDeadlineOptions) {
    this.#caller = signal;
    this.#onOver = onOver;
    this.#cancel = timers.after(timeoutMs, () => {
      this.#expired = true;
      this.#over();
    });
    // By hand: AbortSignal.any keeps a trace in a caller's signal that lives long.
    signal?.addEventListener("abort", this.#over, { once: true });
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
    this.#caller?.removeEventListener("abort", this.#over);
  }

  readonly #over = (): void => {
    this.#onOver();
  };
}
