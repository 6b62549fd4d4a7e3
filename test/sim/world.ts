/** Simulated time: events in order, and the last of them remembered for whoever has to look. */
import { IndexedHeap } from "../../sidecar/core/indexed-heap.ts";

interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  index: number;
}

/** Lines of history that are kept. */
const historyLength = 50;

/** Cancels an event; extra calls are harmless. */
export type CancelEvent = () => void;

/** One simulated run's time. */
export class World {
  #nowMs = 1_000;
  #order = 0;
  #eventCount = 0;
  readonly #history: { readonly atMs: number; readonly line: () => string }[] = [];
  readonly #events = new IndexedHeap<SimEvent>({
    before: (left, right) =>
      left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order),
    indexOf: (event) => event.index,
    place: (event, index) => {
      event.index = index;
    },
  });

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that were run. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** The last 50 things that were noted, oldest first. */
  history(): readonly string[] {
    return this.#history.map(({ atMs, line }) => `${atMs.toFixed(1).padStart(10)} ms  ${line()}`);
  }

  /** Runs something after a delay; events of one moment run in the order in which they were set. */
  after(delayMs: number, run: () => void): CancelEvent {
    return this.at(this.#nowMs + Math.max(0, delayMs), run);
  }

  /** Runs something at a moment, at once when it has passed. */
  at(atMs: number, run: () => void): CancelEvent {
    this.#order += 1;
    const event = { atMs: Math.max(atMs, this.#nowMs), order: this.#order, run, index: -1 };
    this.#events.put(event);
    return () => {
      this.#events.remove(event);
    };
  }

  /** Notes what happened; the line is made only if somebody wants to read it. */
  note(line: () => string): void {
    this.#history.push({ atMs: this.#nowMs, line });
    if (this.#history.length > historyLength) this.#history.shift();
  }

  /** Runs events up to a moment. @returns false when `until` said to stop. */
  run(untilMs: number, stop: () => boolean): boolean {
    for (;;) {
      if (stop()) return false;
      const event = this.#events.peek();
      if (event === undefined || event.atMs > untilMs) break;
      this.#events.remove(event);
      this.#nowMs = event.atMs;
      this.#eventCount += 1;
      event.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
    return true;
  }
}
