/** First in, first out; the array is cut only now and then, so that both ends cost O(1). */
export class MessageQueue<T> {
  #items: T[] = [];
  #head = 0;

  /** True when nothing waits. */
  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  /** The oldest item; undefined when there is none. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Adds an item. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest item away. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1_024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Drops everything. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
