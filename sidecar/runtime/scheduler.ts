/**
 * The pump between a sans-IO engine and real time: one timer per engine, armed for its next
 * deadline. It decides nothing; an early or an extra wake-up is harmless by the engine's contract.
 */
import type { Clock } from "../core/ports.ts";
import type { Timers } from "./clock.ts";

/** What a scheduler works with. */
export interface SchedulerOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The engine's next deadline on `clock`, ms; Infinity = idle. Cheap: asked after every input. */
  readonly nextDeadlineMs: () => number;
  /** Called when the deadline has come: run `advance(nowMs)` and carry out its effects. */
  readonly onDeadline: (nowMs: number) => void;
}

/** Keeps one timer armed for an engine. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #armedForMs = Infinity;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /**
   * To be called after every `handle` and `advance`; extra calls are harmless. A timer that comes
   * too early stays and is set anew when it fires: deadlines mostly move on with every input.
   * Cost: one comparison when the deadline did not come nearer.
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
    // The deadline has moved on, or was beyond Node's longest timer: only arm again.
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
