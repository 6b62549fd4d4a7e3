/**
 * Where log lines go: a descriptor, without blocking. pino's own destination (sonic-boom 4.2)
 * retries a write for ever in `flushSync` when the reader is gone (EPIPE), and calls that at the
 * exit of the process: a sidecar whose parent was killed then never ended. This one gives up at the
 * first error that waiting can't mend.
 */
import { write } from "node:fs";
import type { DestinationStream } from "pino";

/** Characters that may wait for a slow reader; what comes beyond is dropped and counted. */
export const maxWaitingCharacters = 1024 * 1024;

/** The reader's buffer is full: ask again after this. */
const retryMs = 20;

/** Lines on their way to a descriptor. */
export class LogOutput implements DestinationStream {
  readonly #fd: number;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #writing = false;
  #broken = false;
  #dropped = 0;
  #onEmpty: (() => void)[] = [];

  /** @param fd 1 for standard output. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Lines that were dropped because the reader was slow or gone. */
  get droppedCount(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#broken || this.#waitingCharacters + line.length > maxWaitingCharacters) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingCharacters += line.length;
    if (!this.#writing) this.#next();
  }

  /** @returns resolves when nothing waits, or after `timeoutMs`: a reader that stands still. */
  flush(timeoutMs: number): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onEmpty.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    if (this.#waiting.length === 0) {
      this.#writing = false;
      for (const empty of this.#onEmpty.splice(0)) empty();
      return;
    }
    this.#writing = true;
    const batch = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingCharacters = 0;
    this.#out(batch);
  }

  #out(rest: Buffer): void {
    write(this.#fd, rest, (error, writtenBytes) => {
      if (error === null) {
        if (writtenBytes < rest.length) this.#out(rest.subarray(writtenBytes));
        else this.#next();
      } else if (error.code === "EAGAIN") {
        setTimeout(() => {
          this.#out(rest);
        }, retryMs).unref();
      } else {
        this.#broken = true;
        this.#dropped += this.#waiting.length;
        this.#waiting = [];
        this.#next();
      }
    });
  }
}
