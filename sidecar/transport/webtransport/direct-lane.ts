import type { ByteLane } from "../carrier.ts";
import { maxDataHeaderBytes } from "./capsule.ts";
import type { FlowWindow } from "./flow-window.ts";

/** What was written and not sent yet. */
export interface Waiting {
  bytes: Uint8Array;
  /** True while the bytes before `bytes` in its ArrayBuffer are free for a header. */
  hasRoom: boolean;
  /** See `ByteLane.write`. */
  readonly written: ((error?: Error | null) => void) | undefined;
}

/** What a lane needs of its session. */
export interface LaneSession {
  /**
   * Sends as much of `waiting.bytes` as the session's window and the stream beneath take now.
   * @returns bytes taken, 0 … all.
   */
  sendNow(lane: DirectLane, waiting: Waiting): number;
  /** Tells the peer that bytes were read, when it is time to. */
  consumed(lane: DirectLane, bytes: number): void;
  /** Bytes that wait in the stream beneath. */
  readonly streamBufferedBytes: number;
}

/**
 * A lane below the package's web streams. Sends at once when nothing waits; receives without a
 * promise or a copy. What is not read is not consumed, so an unread lane stops at its window.
 */
export class DirectLane implements ByteLane {
  readonly headerRoomBytes = maxDataHeaderBytes;
  readonly id: number;
  readonly window: FlowWindow;
  readonly #session: LaneSession;
  #sink: ((chunk: Uint8Array) => void) | undefined;
  #endListener: (() => void) | undefined;
  /** Copies of what came before there was a sink: at most the window. */
  #inbox: Uint8Array[] = [];
  /** What the window or the stream did not take; the credit above bounds it. */
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #ended = false;

  constructor(id: number, window: FlowWindow, session: LaneSession) {
    this.id = id;
    this.window = window;
    this.#session = session;
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#session.streamBufferedBytes;
  }

  /** Whether the lane has bytes that wait for a window or for the stream. */
  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  write(bytes: Uint8Array, written?: (error?: Error | null) => void): void {
    if (this.#ended || bytes.length === 0) return;
    this.#queuedBytes += bytes.length;
    const waiting = { bytes, hasRoom: true, written };
    if (this.#queue.length > 0 || !this.#send(waiting)) this.#queue.push(waiting);
  }

  onBytes(sink: (chunk: Uint8Array) => void): void {
    this.#sink = sink;
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const chunk of inbox) this.#deliver(sink, chunk);
  }

  onEnd(listener: () => void): void {
    this.#endListener = listener;
    if (this.#ended) listener();
  }

  /** Hands on what came; the view may be reused after the call. */
  receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    if (this.#sink === undefined) this.#inbox.push(Uint8Array.from(bytes));
    else this.#deliver(this.#sink, bytes);
  }

  /** Sends what waits, as far as windows and stream allow. */
  flush(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (!this.#send(first)) return;
      this.#queue.shift();
    }
  }

  /** Ends the lane: what waits is dropped, what came stays readable until a sink takes it. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#endListener?.();
  }

  /** @returns true when all of it is sent; else the rest is left in it. */
  #send(waiting: Waiting): boolean {
    const taken = this.#session.sendNow(this, waiting);
    this.#queuedBytes -= taken;
    if (taken === waiting.bytes.length) return true;
    if (taken > 0) {
      waiting.bytes = waiting.bytes.subarray(taken);
      // What is before it is still being sent.
      waiting.hasRoom = false;
    }
    return false;
  }

  #deliver(sink: (chunk: Uint8Array) => void, bytes: Uint8Array): void {
    sink(bytes);
    this.#session.consumed(this, bytes.length);
  }
}
