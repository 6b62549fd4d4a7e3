/** Runs tasks, a few at once, the others in the order in which they came. */
export class TurnQueue {
  readonly #bound: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param bound how many run at once, 1 or more. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** @returns what the task returns; its error is passed on. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#bound) {
      // The one that ends hands its place on: `#running` stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
