import { ChurnMap } from "../churn-map.ts";
import { IndexedHeap } from "../indexed-heap.ts";

/** A pull that waits for its first item. */
export interface WaitingPull {
  readonly call: number;
  readonly max: number;
  readonly untilMs: number;
  readonly presence: string | undefined;
  timerIndex: number;
}

/** Pulls that wait, first come, first served. */
export class PullLine {
  readonly #pulls = new ChurnMap<number, WaitingPull>();
  readonly #timers = new IndexedHeap<WaitingPull>({
    before: (left, right) => left.untilMs < right.untilMs,
    indexOf: (pull) => pull.timerIndex,
    place: (pull, index) => {
      pull.timerIndex = index;
    },
  });
  #wanted = 0;

  get size(): number {
    return this.#pulls.size;
  }

  /** Items that the waiting pulls would take together. */
  get wanted(): number {
    return this.#wanted;
  }

  join(pull: WaitingPull): void {
    this.#pulls.set(pull.call, pull);
    this.#timers.put(pull);
    this.#wanted += pull.max;
  }

  leave(call: number): WaitingPull | undefined {
    const pull = this.#pulls.get(call);
    if (pull === undefined) return undefined;
    this.#pulls.delete(call);
    this.#timers.remove(pull);
    this.#wanted -= pull.max;
    return pull;
  }

  first(): WaitingPull | undefined {
    return this.#pulls.values().next().value;
  }

  /** A pull whose time is over. */
  due(nowMs: number): WaitingPull | undefined {
    const pull = this.#timers.peek();
    return pull !== undefined && pull.untilMs <= nowMs ? pull : undefined;
  }

  /** Pulls of one presence. */
  ofPresence(presence: string): WaitingPull[] {
    return [...this.#pulls.values()].filter((pull) => pull.presence === presence);
  }

  nextDeadlineMs(): number {
    return this.#timers.peek()?.untilMs ?? Infinity;
  }
}
