/**
 * Who is due next: a binary heap of (moment, key). Entries are not searched for; one that no longer
 * counts is told by the owner when it comes up.
 */

/** A key and its moment. */
export interface Deadline {
  readonly atMs: number;
  readonly key: string;
}

/** Smallest moment first; equal moments in any order. */
export class DeadlineHeap {
  #heap: Deadline[] = [];

  /** Entries, those that no longer count included. */
  get size(): number {
    return this.#heap.length;
  }

  /** @returns the earliest entry, left in place. */
  peek(): Deadline | undefined {
    return this.#heap[0];
  }

  /** Cost: log n. */
  push(deadline: Deadline): void {
    let at = this.#heap.length;
    this.#heap.push(deadline);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt];
      if (parent === undefined || parent.atMs <= deadline.atMs) break;
      this.#heap[at] = parent;
      at = parentAt;
    }
    this.#heap[at] = deadline;
  }

  /** @returns the earliest entry, taken out. Cost: log n. */
  pop(): Deadline | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#sink(last);
    return first;
  }

  /** Keeps what counts. Cost: n log n. */
  retain(counts: (deadline: Deadline) => boolean): void {
    const kept = this.#heap.filter(counts);
    this.#heap = [];
    for (const deadline of kept) this.push(deadline);
  }

  /** Puts an entry at the top and lets it sink to its place. */
  #sink(deadline: Deadline): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      const right = heap[childAt + 1];
      if (child === undefined) break;
      if (right !== undefined && right.atMs < child.atMs) {
        child = right;
        childAt += 1;
      }
      if (deadline.atMs <= child.atMs) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = deadline;
  }
}
