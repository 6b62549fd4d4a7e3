/** Calls into an engine that wait for its reply effect. */
import { SequenceMap } from "../core/sequence-map.ts";

/** A call that ended without a reply: the caller or the engine is gone, or a bug was met. */
export interface Unanswered {
  readonly kind: "gone" | "failed";
}

interface PendingCall<Reply> {
  readonly call: number;
  readonly answer: (reply: Reply | Unanswered) => void;
  /** Undefined when the caller cannot go away. */
  readonly stopListening: (() => void) | undefined;
}

/** A caller that may go away before the reply. */
export interface LeavingCaller {
  readonly signal: AbortSignal;
  /** Called when `signal` aborts before the reply: tell the engine. */
  readonly onGone: (call: number) => void;
}

/** Numbers calls and hands each reply to its caller. */
export class PendingCalls<Reply> {
  readonly #pending = new SequenceMap<PendingCall<Reply>>();
  #last = 0;
  #closed = false;

  /**
   * Opens a call.
   * @param answer called once, at once if the engine is gone.
   * @returns its number.
   */
  open(answer: (reply: Reply | Unanswered) => void, caller?: LeavingCaller): number {
    this.#last += 1;
    const call = this.#last;
    if (this.#closed) {
      answer({ kind: "gone" });
      return call;
    }
    const stopListening = caller === undefined ? undefined : this.#listen(call, caller);
    this.#pending.set(call, { call, answer, stopListening });
    return call;
  }

  /** @returns false when nobody waits for it any more. */
  answer(call: number, reply: Reply | Unanswered): boolean {
    const pending = this.#pending.get(call);
    if (pending === undefined) return false;
    this.#pending.delete(call);
    pending.stopListening?.();
    pending.answer(reply);
    return true;
  }

  /** The engine is gone: every open call ends, and so does each that is opened from now on. */
  closeAll(): void {
    this.#closed = true;
    for (const { call } of [...this.#pending.values()]) this.answer(call, { kind: "gone" });
  }

  #listen(call: number, { signal, onGone }: LeavingCaller): () => void {
    const gone = (): void => {
      if (this.answer(call, { kind: "gone" })) onGone(call);
    };
    signal.addEventListener("abort", gone, { once: true });
    return () => {
      signal.removeEventListener("abort", gone);
    };
  }
}
