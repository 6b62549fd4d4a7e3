/**
 * A line of those who want something done: some may go now, in the order of their turns, others
 * only from a moment on. Cost: log n for every change.
 */
import { IndexedHeap } from "../../sidecar/core/indexed-heap.ts";

/** Somebody in a line. Changed only while it is in none. */
export interface LineMember {
  /** May not go before this, Unix time in ms. */
  readyAtMs: number;
  /** Of those who may go the one with the lowest is first. */
  turn: number;
  /** Place in the line, which keeps it; -1: none. */
  place: number;
}

/** A member is in one line at most. */
export class DueLine<T extends LineMember> {
  readonly #ready = new IndexedHeap<T>({
    before: (left, right) => left.turn < right.turn,
    indexOf: ({ place }) => place,
    place: setPlace,
  });
  readonly #waiting = new IndexedHeap<T>({
    before: (left, right) => left.readyAtMs < right.readyAtMs,
    indexOf: ({ place }) => place,
    place: setPlace,
  });
  /** Up to here everybody who may go is in `#ready`. */
  #readyUpToMs = Number.NEGATIVE_INFINITY;

  /** Adds a member that is in no line. @param nowMs never goes back. */
  add(member: T, nowMs: number): void {
    this.#advance(nowMs);
    this.#heapOf(member).put(member);
  }

  /** Takes a member of this line out of it. */
  remove(member: T): void {
    this.#heapOf(member).remove(member);
  }

  /** Takes out who may go first now; undefined: nobody may. */
  take(nowMs: number): T | undefined {
    this.#advance(nowMs);
    return this.#ready.pop();
  }

  /** When somebody may go, Unix time in ms, not before now; Infinity: the line is empty. */
  nextMs(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#ready.size > 0) return nowMs;
    return this.#waiting.peek()?.readyAtMs ?? Number.POSITIVE_INFINITY;
  }

  #advance(nowMs: number): void {
    this.#readyUpToMs = Math.max(this.#readyUpToMs, nowMs);
    for (;;) {
      const first = this.#waiting.peek();
      if (first === undefined || first.readyAtMs > this.#readyUpToMs) return;
      this.#waiting.remove(first);
      this.#ready.put(first);
    }
  }

  #heapOf({ readyAtMs }: T): IndexedHeap<T> {
    return readyAtMs > this.#readyUpToMs ? this.#waiting : this.#ready;
  }
}

function setPlace(member: LineMember, place: number): void {
  member.place = place;
}
