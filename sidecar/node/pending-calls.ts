/** Calls into an engine that wait for its reply effect. */
import { ChurnMap } from "../core/churn-map.ts";

interface PendingCall<Reply> {
  readonly resolve: (reply: Reply | undefined) => void;
  /** Undefined when the caller cannot go away. */
  readonly stopListening: (() => void) | undefined;
}

/** Numbers calls and hands each reply to its caller. */
export class PendingCalls<Reply> {
  readonly #pending = new ChurnMap<number, PendingCall<Reply>>();
  #last = 0;

  /**
   * Opens a call.
   * @param onGone called when `signal` aborts before the reply: tell the engine.
   * @returns its number, and the reply; undefined when the caller went away or everything ended.
   */
  open(
    signal?: AbortSignal,
    onGone?: (call: number) => void,
  ): { readonly call: number; readonly answer: Promise<Reply | undefined> } {
    this.#last += 1;
    const call = this.#last;
    const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
    const stopListening = signal === undefined ? undefined : this.#listen(call, signal, onGone);
    this.#pending.set(call, { resolve, stopListening });
    return { call, answer: promise };
  }

  /** @returns false when nobody waits for it any more. */
  answer(call: number, reply: Reply): boolean {
    return this.#settle(call, reply);
  }

  /** Answers every open call with undefined. */
  closeAll(): void {
    for (const call of [...this.#pending.keys()]) {
      this.#settle(call, undefined);
    }
  }

  #listen(call: number, signal: AbortSignal, onGone?: (call: number) => void): () => void {
    const gone = (): void => {
      if (this.#pending.has(call)) {
        this.#settle(call, undefined);
        onGone?.(call);
      }
    };
    signal.addEventListener("abort", gone, { once: true });
    return () => {
      signal.removeEventListener("abort", gone);
    };
  }

  #settle(call: number, reply: Reply | undefined): boolean {
    const pending = this.#pending.get(call);
    if (pending === undefined) {
      return false;
    }
    this.#pending.delete(call);
    pending.stopListening?.();
    pending.resolve(reply);
    return true;
  }
}
