import { MessageQueue } from "./message-queue.ts";

/** A message that came while its channel was held. */
export interface WaitingMessage {
  readonly message: Uint8Array;
  /** Credit that its delivery gives back; 0 when its segments gave it back already. */
  readonly charge: number;
}

/** A message that is being put together. */
export interface Assembly {
  readonly bytes: Uint8Array;
  filled: number;
}

/**
 * Both directions of one channel. Data only: `ChannelMux` decides.
 * Invariant: 0 ≤ `credit` ≤ window and 0 ≤ `allowance` ≤ window.
 */
export class Channel {
  readonly id: number;
  /** Opened by this side. */
  readonly own: boolean;
  /** What we may still send. */
  credit: number;
  /** Messages that wait for credit. */
  readonly queue = new MessageQueue<Uint8Array>();
  /** Bytes of the oldest waiting message that were sent already. */
  sentOfFirst = 0;
  /** Charge of all that waits. */
  queuedBytes = 0;
  /** Stands in the list of channels that can send. */
  ready = false;
  /** Closed here, but messages still wait: CLOSE follows them. */
  closing = false;
  /** What the peer may still send. */
  allowance: number;
  /** Consumed, but not granted again yet. */
  consumed = 0;
  /** The reader wants nothing for now. */
  held = false;
  /** Messages that came while held. */
  readonly waiting = new MessageQueue<WaitingMessage>();
  /** The loop that delivers what waits is running. */
  delivering = false;
  /** Closed by the peer; known to the reader once nothing waits. */
  peerClosed = false;
  /** The message whose segments are coming in. */
  assembly: Assembly | undefined;
  /** Takes one of the places that its side has. Never true for channel 0. */
  counted: boolean;
  /** Forgotten: nothing is sent, delivered or granted any more. */
  gone = false;

  constructor(id: number, own: boolean, windowBytes: number) {
    this.id = id;
    this.own = own;
    this.counted = id !== 0;
    this.credit = windowBytes;
    this.allowance = windowBytes;
  }
}
