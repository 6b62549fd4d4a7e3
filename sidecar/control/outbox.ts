/** Messages on their way out: pushed by one side, taken one by one by the other. Bounded. */
export class Outbox<T> implements AsyncIterable<T> {
  readonly #bound: number;
  readonly #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** @param bound messages that may wait. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** @returns false when as many wait as may; the message is not taken then. */
  push(message: T): boolean {
    if (this.#closed || this.#waiting.length >= this.#bound) return false;
    this.#waiting.push(message);
    this.#wake?.();
    return true;
  }

  /** Ends the iteration at once; what waits is dropped. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#wake?.();
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#closed) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
  }
}
