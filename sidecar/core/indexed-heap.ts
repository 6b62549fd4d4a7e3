/** How a heap orders its members and remembers where each one stands. */
export interface HeapAccess<T> {
  /** True when `left` comes out first. */
  before(left: T, right: T): boolean;
  /** @returns the place that `place` stored; -1 when outside. */
  indexOf(member: T): number;
  place(member: T, index: number): void;
}

/**
 * A binary heap whose members know their place, so that any of them can be removed or moved.
 * Cost: O(log n) for every change, O(1) when members come in order (the common case here).
 */
export class IndexedHeap<T> {
  readonly #members: T[] = [];
  readonly #access: HeapAccess<T>;

  constructor(access: HeapAccess<T>) {
    this.#access = access;
  }

  get size(): number {
    return this.#members.length;
  }

  /** The member that comes out first. */
  peek(): T | undefined {
    return this.#members[0];
  }

  /** Adds a member, or moves one whose order changed. */
  put(member: T): void {
    const index = this.#access.indexOf(member);
    if (index < 0) {
      this.#members.push(member);
      this.#up(member, this.#members.length - 1);
    } else {
      this.#down(member, this.#up(member, index));
    }
  }

  /** Takes a member out. One that is not in it is ignored. */
  remove(member: T): void {
    const index = this.#access.indexOf(member);
    if (index < 0) return;
    this.#access.place(member, -1);
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#down(last, this.#up(last, index));
  }

  /** Takes out the member that comes first. */
  pop(): T | undefined {
    const first = this.#members[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  #up(member: T, from: number): number {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#members[parentIndex];
      if (parent === undefined || !this.#access.before(member, parent)) break;
      this.#set(parent, index);
      index = parentIndex;
    }
    this.#set(member, index);
    return index;
  }

  #down(member: T, from: number): void {
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = this.#members[childIndex];
      if (child === undefined) break;
      const other = this.#members[childIndex + 1];
      if (other !== undefined && this.#access.before(other, child)) {
        child = other;
        childIndex += 1;
      }
      if (!this.#access.before(child, member)) break;
      this.#set(child, index);
      index = childIndex;
    }
    this.#set(member, index);
  }

  #set(member: T, index: number): void {
    this.#members[index] = member;
    this.#access.place(member, index);
  }
}
