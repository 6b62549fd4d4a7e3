/**
 * What the runtime asks of its surroundings, so that tests decide what time it is. The real ones
 * are `realSurroundings` (real-surroundings.ts); a program passes them down from its main file.
 */

/** Monotonic time: for every decision about elapsed time. */
export interface Clock {
  /** @returns ms since an arbitrary start; never goes back. */
  nowMs(): number;
}

/** The date and time: for what people read, and to notice that the machine slept. */
export interface WallClock {
  /** @returns ms since 1970-01-01 UTC; may jump. */
  nowEpochMs(): number;
}

/** Chance, for jitter and names; not for secrets. */
export interface Random {
  /** @returns a number in [0, 1). */
  next(): number;
}

/** One-shot timers. */
export interface Timers {
  /**
   * Calls back once.
   * @param delayMs 0 … 2^31 − 1; longer ones are shortened, so callers look at the clock when
   *   called.
   * @returns cancels it; extra calls are harmless.
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** Writes one line: fields first, then a sentence. */
export type LogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** Where lines go. The loggers of pino, bunyan and their like fit as they are. */
export interface Log {
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}

/** Everything that a part takes from outside the process's own decisions. */
export interface Surroundings {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Log;
}
