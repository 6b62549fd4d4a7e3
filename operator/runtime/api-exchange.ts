/**
 * One request and its answer, as undici's dispatcher tells of them: without streams, signals and
 * iterators around each, which are half of what a short request costs.
 */
import type { Dispatcher } from "undici";
import { ApiError } from "./api-error.ts";

/** An answer, whole. */
export type WireAnswer = {
  /** HTTP status. */
  readonly status: number;
  /** Seconds, as sent. */
  readonly retryAfter: string | undefined;
} & (
  | { readonly ok: true; readonly value: unknown }
  /** A status of 300 and more. */
  | { readonly ok: false; readonly text: string }
);

/** Who takes an answer of status 200 in pieces. */
export interface StreamSink {
  /** HTTP status, before anything else. */
  onStatus(status: number): void;
  /** The next bytes; valid during the call. What it throws ends the request. */
  onChunk(chunk: Uint8Array): void;
}

/** Answers apart from watches are at most this long; a page of 500 objects at 64 KiB each fits. */
export const maxAnswerBytes = 32 * 1024 * 1024;

/** @returns the refusal of a write by who does not lead. */
export function writeRefused(): ApiError {
  return new ApiError("WRITE_REFUSED", "not written: this process does not lead", { unsent: true });
}

/** Settings of an exchange. */
export interface ApiExchangeOptions {
  /** Asked when a connection is there: false refuses the request. */
  readonly mayWrite?: (() => boolean) | undefined;
  /** Absent: the answer is handed out whole. */
  readonly sink?: StreamSink | undefined;
  /**
   * Makes of the text of an answer below 300 what is asked for, there and then: what waits for an
   * answer is old for the garbage collector, and what it is given grows old with it.
   */
  readonly read?: ((text: string) => unknown) | undefined;
}

/** A request on its way. */
export class ApiExchange implements Dispatcher.DispatchHandler {
  readonly #options: ApiExchangeOptions;
  readonly #answer = Promise.withResolvers<WireAnswer>();
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #endedBy: Error | undefined;
  #status = 0;
  #retryAfter: string | undefined;

  constructor(options: ApiExchangeOptions) {
    this.#options = options;
    // Whoever ends it before anybody waits for the answer is not in the wrong.
    this.#answer.promise.catch(() => undefined);
  }

  /** Resolves when the answer is whole, or its sink has had all of it. */
  get answer(): Promise<WireAnswer> {
    return this.#answer.promise;
  }

  /** Ends it, wherever it is; `answer` is rejected with the reason at once. */
  end(reason: Error): void {
    this.#endedBy ??= reason;
    this.#answer.reject(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#endedBy !== undefined) controller.abort(this.#endedBy);
    else if (this.#options.mayWrite?.() === false) controller.abort(writeRefused());
    else this.#controller = controller;
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // Informational answers come before the real one.
    if (status < 200) return;
    this.#status = status;
    this.#retryAfter = oneHeader(headers["retry-after"]);
    this.#options.sink?.onStatus(status);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const { sink } = this.#options;
    if (sink !== undefined && this.#status === 200) {
      sink.onChunk(chunk);
      return;
    }
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > maxAnswerBytes) {
      const message = `an answer of more than ${maxAnswerBytes} bytes; ask for smaller pages`;
      throw new ApiError("ANSWER_TOO_LARGE", message);
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const text = Buffer.concat(this.#chunks).toString("utf8");
    this.#chunks = [];
    const head = { status: this.#status, retryAfter: this.#retryAfter };
    if (this.#status >= 300) {
      this.#answer.resolve({ ...head, ok: false, text });
      return;
    }
    try {
      this.#answer.resolve({ ...head, ok: true, value: this.#options.read?.(text) });
    } catch (error) {
      this.#answer.reject(error);
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#answer.reject(error);
  }
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
