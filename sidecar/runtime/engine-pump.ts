/**
 * Drives a sans-IO engine with real time: inputs in, effects out, one timer. Nothing is decided
 * here.
 */
import type { Clock } from "../core/ports.ts";
import type { Timers } from "./clock.ts";
import { Scheduler } from "./scheduler.ts";

/** The surface that every engine of sidecar/core has. */
export interface Engine<Input, Effect> {
  handle(input: Input, nowMs: number): readonly Effect[];
  /** On the clock that `handle` is given; Infinity = idle. */
  nextDeadlineMs(): number;
  /** Extra calls are harmless. */
  advance(nowMs: number): readonly Effect[];
}

/** What a pump works with. */
export interface EnginePumpComponents<Effect> {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Carries an effect out. What it causes in turn comes back as a further input. */
  readonly perform: (effect: Effect) => void;
}

/** One engine and its timer. */
export class EnginePump<Input, Effect> {
  readonly #engine: Engine<Input, Effect>;
  readonly #components: EnginePumpComponents<Effect>;
  readonly #scheduler: Scheduler;
  readonly #waiting: Input[] = [];
  #running = false;
  #closed = false;

  constructor(engine: Engine<Input, Effect>, components: EnginePumpComponents<Effect>) {
    this.#engine = engine;
    this.#components = components;
    this.#scheduler = new Scheduler({
      clock: components.clock,
      timers: components.timers,
      nextDeadlineMs: () => engine.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#advance(nowMs);
      },
    });
  }

  /**
   * Gives the engine an input. One that arises while effects are being carried out waits for them,
   * so that the engine is never entered twice and effects keep their order.
   */
  handle(input: Input): void {
    if (this.#closed) {
      return;
    }
    if (this.#running) {
      this.#waiting.push(input);
      return;
    }
    this.#running = true;
    try {
      this.#perform(this.#engine.handle(input, this.#components.clock.nowMs()));
      if (this.#waiting.length > 0) this.#handleWaiting();
    } finally {
      this.#running = false;
    }
    this.#scheduler.arm();
  }

  /** Stops for good: no effect is carried out after it. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#scheduler.close();
  }

  #advance(nowMs: number): void {
    this.#running = true;
    try {
      this.#perform(this.#engine.advance(nowMs));
      this.#handleWaiting();
    } finally {
      this.#running = false;
    }
  }

  #handleWaiting(): void {
    for (let input = this.#waiting.shift(); input !== undefined; input = this.#waiting.shift()) {
      this.#perform(this.#engine.handle(input, this.#components.clock.nowMs()));
    }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (!this.#closed) this.#components.perform(effect);
    }
  }
}
