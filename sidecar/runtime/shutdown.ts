/**
 * Ends a process in order: what was started last ends first, each step within its own time, so that
 * one step that hangs or fails costs its time and not the rest.
 */
import type { Timers } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { RuntimeError } from "./runtime-error.ts";

/** One thing to end. */
export interface ShutdownStep {
  /** For the log: `api`, `peer listener`. */
  readonly name: string;
  /** Time it may take, ms; after it the next step runs regardless. */
  readonly timeoutMs: number;
  readonly end: () => Promise<void> | void;
}

/** What a Shutdown works with. */
export interface ShutdownComponents {
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Collects steps while things start, runs them once, last first. */
export class Shutdown {
  readonly #components: ShutdownComponents;
  readonly #steps: ShutdownStep[] = [];
  #running: Promise<boolean> | undefined;

  constructor(components: ShutdownComponents) {
    this.#components = components;
  }

  /** True once `run` was called. */
  get begun(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Adds a step; it will run before those added earlier.
   * @throws {RuntimeError} `CLOSED` once `run` was called: what starts then would never be ended.
   */
  add(step: ShutdownStep): void {
    if (this.begun) {
      throw new RuntimeError("CLOSED", `${step.name} was started during the shutdown`);
    }
    this.#steps.push(step);
  }

  /**
   * Runs the steps; a second call waits for the first.
   * @returns true when every step ended well and in time.
   */
  run(): Promise<boolean> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<boolean> {
    let clean = true;
    for (const step of [...this.#steps].reverse()) {
      try {
        await this.#within(step);
        this.#components.logger.debug({ step: step.name }, "ended");
      } catch (err) {
        clean = false;
        this.#components.logger.warn({ step: step.name, err }, "did not end well");
      }
    }
    return clean;
  }

  async #within(step: ShutdownStep): Promise<void> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#components.timers.after(step.timeoutMs, () => {
      const message = `${step.name} took longer than ${String(step.timeoutMs)} ms`;
      late.reject(new RuntimeError("SHUTDOWN_STEP_TIMEOUT", message));
    });
    try {
      await Promise.race([Promise.resolve().then(step.end), late.promise]);
    } finally {
      cancel();
    }
  }
}
