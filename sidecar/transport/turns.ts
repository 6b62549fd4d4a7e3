/**
 * What happens in one turn of the event loop is done together: inputs that came with one chunk go
 * to an engine at once, and what is written goes out in one piece.
 */
export interface Turns {
  /** Calls back once the running turn is over, before the next event. */
  afterTurn(callback: () => void): void;
  /**
   * Calls back when nothing of the turn is left: every `afterTurn` callback has run, and so have
   * the promises that they settled and the callbacks that those asked for.
   */
  atEnd(callback: () => void): void;
}

/**
 * Ticks before timers, signals and the network get their turn: work inside one node could go on in
 * ticks for ever.
 */
const maxTicks = 64;

/**
 * Node's own turns. A tick runs before the promises that it settled, so whatever those cause needs
 * another tick; callbacks of the end wait until a tick finds no work left.
 */
class NodeTurns implements Turns {
  readonly #work: (() => void)[] = [];
  readonly #ends: (() => void)[] = [];
  #scheduled = false;
  #ticks = 0;

  afterTurn(callback: () => void): void {
    this.#work.push(callback);
    this.#schedule();
  }

  atEnd(callback: () => void): void {
    this.#ends.push(callback);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#mayTick()) process.nextTick(this.#run);
    else setImmediate(this.#run);
  }

  /** True while another tick starves nobody. */
  #mayTick(): boolean {
    this.#ticks += 1;
    if (this.#ticks < maxTicks) return true;
    this.#ticks = 0;
    return false;
  }

  readonly #run = (): void => {
    const callbacks = (this.#work.length > 0 ? this.#work : this.#ends).splice(0);
    let done = 0;
    try {
      for (const callback of callbacks) {
        done += 1;
        callback();
      }
    } finally {
      // What a callback that threw has left comes first.
      if (done < callbacks.length) this.#work.unshift(...callbacks.slice(done));
      this.#scheduled = this.#work.length > 0 || this.#ends.length > 0;
      if (this.#scheduled) this.#goOn();
    }
  };

  #goOn(): void {
    if (this.#mayTick()) {
      queueMicrotask(this.#nextTick);
      return;
    }
    // What was written goes out now, whatever work is left.
    this.#work.push(...this.#ends.splice(0));
    setImmediate(this.#run);
  }

  readonly #nextTick = (): void => {
    process.nextTick(this.#run);
  };
}

/** Node's own turns. */
export const realTurns: Turns = new NodeTurns();
