/**
 * The pump between a sans-IO part and real time: one timer, armed for the part's next deadline. It
 * decides nothing; an early or an extra wake-up is harmless by the parts' contract.
 */
import type { Clock, Timers } from "./ports.ts";

/** What a pump works with. */
export interface PumpOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The part's next deadline on `clock`, ms; Infinity = idle. Asked after every input. */
  readonly nextDeadlineMs: () => number;
  /** Called when the deadline has come: run `advance(nowMs)` and carry out its effects. */
  readonly onDeadline: (nowMs: number) => void;
}

/** Keeps one timer armed. */
export class Pump {
  readonly #options: PumpOptions;
  #armedForMs = Infinity;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /**
   * To be called after every input; extra calls are harmless. A timer that is too early stays and
   * is set anew when it fires: deadlines mostly move on.
   */
  arm(): void {
    if (this.#closed) return;
    const deadlineMs = this.#options.nextDeadlineMs();
    if (deadlineMs === Infinity) {
      this.#disarm();
      return;
    }
    if (deadlineMs >= this.#armedForMs) return;
    this.#disarm();
    this.#armedForMs = deadlineMs;
    // Rounded up: Node cuts fractions off, and waking 0.4 ms early would spin until the deadline.
    const delayMs = Math.max(0, Math.ceil(deadlineMs - this.#options.clock.nowMs()));
    this.#cancel = this.#options.timers.after(delayMs, () => {
      this.#wake();
    });
  }

  /** Stops for good; no callback comes after it. */
  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #wake(): void {
    this.#disarm();
    if (this.#closed) return;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs >= this.#options.nextDeadlineMs()) this.#options.onDeadline(nowMs);
    this.arm();
  }

  #disarm(): void {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#armedForMs = Infinity;
  }
}
