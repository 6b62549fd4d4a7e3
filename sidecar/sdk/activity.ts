/** Counts what is under way and tells when nothing is. */
export class Activity {
  #count = 0;
  #waiters: (() => void)[] = [];

  /** Something begins; one `end` follows. */
  begin(): void {
    this.#count += 1;
  }

  /** Something ended. */
  end(): void {
    this.#count -= 1;
    if (this.#count === 0) {
      const waiters = this.#waiters;
      this.#waiters = [];
      waiters.forEach((resolve) => resolve());
    }
  }

  /** Resolves when nothing is under way, or after `graceMs`: true or false. */
  async whenIdle(graceMs: number): Promise<boolean> {
    if (this.#count === 0) {
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), graceMs);
    this.#waiters.push(() => resolve(true));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
