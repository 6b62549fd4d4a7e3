/**
 * What goes wrong with thousands of objects alike is said once a minute, with how many there were:
 * a permission that is missing is one matter, not 10,000 lines.
 */
import type { Log, Surroundings } from "../runtime/index.ts";

/** Refusals of one kind and code are told once in this. */
export const refusalLogMs = 60_000;

/** Something that went wrong with an object. */
export interface Refusal {
  readonly level: keyof Pick<Log, "error" | "warn">;
  /** Of the object. */
  readonly kind: string;
  /** Of the error; few, since each has its line. */
  readonly code: string;
  /** Which object, and the error: those of one of them are told. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What is said. */
  readonly sentence: string;
}

/** What came since the last line. */
interface Minute {
  count: number;
  latest: Refusal;
  cancel: () => void;
}

/** Tells the first of each kind and code at once, and the others at the end of each minute. */
export class RefusalLog {
  readonly #surroundings: Pick<Surroundings, "log" | "timers">;
  readonly #minutes = new Map<string, Minute>();

  constructor(surroundings: Pick<Surroundings, "log" | "timers">) {
    this.#surroundings = surroundings;
  }

  /** Tells of a refusal, now or within a minute. */
  note(refusal: Refusal): void {
    const { level, kind, code, sentence } = refusal;
    const key = [level, kind, code, sentence].join("|");
    const minute = this.#minutes.get(key);
    if (minute === undefined) {
      this.#say(refusal, 1);
      this.#minutes.set(key, { count: 0, latest: refusal, cancel: this.#later(key) });
      return;
    }
    minute.count += 1;
    minute.latest = refusal;
  }

  /** Says what is not said yet. What is noted after it may hold the process for a minute. */
  end(): void {
    for (const { count, latest, cancel } of this.#minutes.values()) {
      cancel();
      if (count > 0) this.#say(latest, count);
    }
    this.#minutes.clear();
  }

  #later(key: string): () => void {
    return this.#surroundings.timers.after(refusalLogMs, () => {
      const minute = this.#minutes.get(key);
      if (minute === undefined) return;
      if (minute.count === 0) {
        this.#minutes.delete(key);
        return;
      }
      this.#say(minute.latest, minute.count);
      minute.count = 0;
      minute.cancel = this.#later(key);
    });
  }

  #say({ level, kind, code, fields, sentence }: Refusal, count: number): void {
    this.#surroundings.log[level]({ kind, code, count, ...fields }, sentence);
  }
}
