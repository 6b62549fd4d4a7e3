import type { Timers } from "../../sidecar/runtime/index.ts";
import type { Turns } from "../../sidecar/transport/index.ts";
import { FakeClock } from "./fake-clock.ts";

interface FakeTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Clock, timers and turns of a test: nothing happens unless time is let pass. */
export class FakeTime extends FakeClock implements Timers, Turns {
  #timers: FakeTimer[] = [];
  #turns: (() => void)[] = [];
  #order = 0;

  /** Timers that wait. */
  get timerCount(): number {
    return this.#timers.length;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs() + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  afterTurn(callback: () => void): void {
    queueMicrotask(callback);
  }

  atEnd(callback: () => void): void {
    this.#turns.push(callback);
  }

  /** Lets time pass: turns, promises and timers run in order, each timer at its own moment. */
  async elapse(ms: number): Promise<void> {
    const endMs = this.nowMs() + ms;
    await this.#settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.advanceTo(Math.max(next.atMs, this.nowMs()));
      next.callback();
      await this.#settle();
    }
    this.advanceTo(endMs);
  }

  /** Lets time pass in steps of 1 ms until the condition holds; fails after `withinMs`. */
  async until(condition: () => boolean, withinMs: number, what: string): Promise<void> {
    for (let passedMs = 0; passedMs <= withinMs; passedMs++) {
      await this.elapse(passedMs === 0 ? 0 : 1);
      if (condition()) return;
    }
    throw new Error(`not within ${withinMs} ms: ${what}`);
  }

  #next(untilMs: number): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      const earlier = first === undefined || timer.atMs < first.atMs;
      if (earlier || (timer.atMs === first?.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }

  async #settle(): Promise<void> {
    this.#endTurn();
    // Promises that wait for promises: a few rounds are enough for everything in this repository.
    for (let round = 0; round < 10; round++) {
      await Promise.resolve();
      this.#endTurn();
    }
  }

  #endTurn(): void {
    for (let turns = this.#turns; turns.length > 0; turns = this.#turns) {
      this.#turns = [];
      for (const turn of turns) turn();
    }
  }
}
