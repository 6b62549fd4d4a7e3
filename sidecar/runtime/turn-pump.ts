/**
 * Drives a sans-IO engine that takes the inputs of one turn of the event loop together: a chunk
 * from a peer holds a hundred messages, and what follows from them is decided once. A turn of the
 * engine is short, though: with more inputs than `maxInputs` there are several, and what one said
 * goes out before the next, so that the other side works at the same time. Nothing is decided here.
 */
import type { Clock } from "../core/ports.ts";
import type { Timers } from "./clock.ts";
import { Scheduler } from "./scheduler.ts";

/** An engine whose turns have a beginning, inputs and an end. */
export interface TurnEngine<Input, Effect> {
  /** Does what is due. */
  begin(nowMs: number): void;
  /** Takes one input of the turn. @param nowMs the same for the whole turn. */
  take(input: Input, nowMs: number): void;
  /** Does what follows from the turn. @returns its effects, in order. */
  finish(nowMs: number): readonly Effect[];
  /** On the clock that `begin` is given; Infinity = idle. A turn without inputs is due then. */
  nextDeadlineMs(): number;
}

/** What a pump works with. */
export interface TurnPumpComponents<Input, Effect> {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Inputs of one turn of the engine at most. */
  readonly maxInputs: number;
  /** Calls back once the running turn of the event loop is over. */
  readonly afterTurn: (callback: () => void) => void;
  /** Carries an effect out. What it causes in turn comes back as a further input. */
  readonly perform: (effect: Effect) => void;
  /** A turn was carried out and more inputs wait: what it said should go out now. */
  readonly flush: () => void;
  /**
   * The engine failed to take an input, or (undefined) an effect could not be carried out: a bug.
   * The pump goes on with the next one.
   */
  readonly onFailure: (error: unknown, input: Input | undefined) => void;
}

/** One engine and its timer. */
export class TurnPump<Input, Effect> {
  readonly #engine: TurnEngine<Input, Effect>;
  readonly #components: TurnPumpComponents<Input, Effect>;
  readonly #scheduler: Scheduler;
  #waiting: Input[] = [];
  #running = false;
  #scheduled = false;
  #closed = false;

  constructor(engine: TurnEngine<Input, Effect>, components: TurnPumpComponents<Input, Effect>) {
    this.#engine = engine;
    this.#components = components;
    this.#scheduler = new Scheduler({
      clock: components.clock,
      timers: components.timers,
      nextDeadlineMs: () => engine.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#runTurns(nowMs);
      },
    });
  }

  /**
   * Gives the engine an input now, after those that wait for the end of the turn. One that arises
   * while effects are being carried out waits for them, so that the engine is never entered twice
   * and effects keep their order.
   */
  handle(input: Input): void {
    if (this.#closed) return;
    this.#waiting.push(input);
    if (!this.#running) this.#run();
  }

  /** Gives the engine an input at the end of the turn, together with all others of the turn. */
  later(input: Input): void {
    if (this.#closed) return;
    this.#waiting.push(input);
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    this.#components.afterTurn(this.#turnOver);
  }

  /** Stops for good: no effect is carried out after it. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#scheduler.close();
  }

  readonly #turnOver = (): void => {
    this.#scheduled = false;
    if (!this.#running && this.#waiting.length > 0) this.#run();
  };

  #run(): void {
    this.#runTurns(this.#components.clock.nowMs());
    this.#scheduler.arm();
  }

  #runTurns(nowMs: number): void {
    this.#running = true;
    try {
      this.#runTurn(nowMs);
      while (this.#waiting.length > 0) {
        this.#flush();
        this.#runTurn(this.#components.clock.nowMs());
      }
    } finally {
      this.#running = false;
    }
  }

  #runTurn(nowMs: number): void {
    const inputs = this.#nextInputs();
    this.#begin(nowMs);
    for (const input of inputs) this.#take(input, nowMs);
    for (const effect of this.#finish(inputs, nowMs)) this.#perform(effect);
  }

  #nextInputs(): readonly Input[] {
    const inputs = this.#waiting;
    const { maxInputs } = this.#components;
    this.#waiting = inputs.length > maxInputs ? inputs.splice(maxInputs) : [];
    return inputs;
  }

  #begin(nowMs: number): void {
    try {
      this.#engine.begin(nowMs);
    } catch (error) {
      this.#components.onFailure(error, undefined);
    }
  }

  #take(input: Input, nowMs: number): void {
    try {
      this.#engine.take(input, nowMs);
    } catch (error) {
      this.#components.onFailure(error, input);
    }
  }

  /** What inputs came to is not known when it fails: each of them has failed. */
  #finish(inputs: readonly Input[], nowMs: number): readonly Effect[] {
    try {
      return this.#engine.finish(nowMs);
    } catch (error) {
      for (const input of inputs) this.#components.onFailure(error, input);
      if (inputs.length === 0) this.#components.onFailure(error, undefined);
      return [];
    }
  }

  #flush(): void {
    try {
      this.#components.flush();
    } catch (error) {
      this.#components.onFailure(error, undefined);
    }
  }

  #perform(effect: Effect): void {
    if (this.#closed) return;
    try {
      this.#components.perform(effect);
    } catch (error) {
      this.#components.onFailure(error, undefined);
    }
  }
}
