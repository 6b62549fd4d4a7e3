/**
 * The receiving half of a lane's channels: checks credit, puts segments together, lets messages of
 * held channels wait, gives credit back. All memory it keeps is reserved in the session's account.
 */
import type { Channel } from "./channel.ts";
import type { ChannelListener } from "./channel-listener.ts";
import { frameType, readVarint, varintSize } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { MemoryAccount } from "./memory-budget.ts";
import { limitExceeded, malformed, type WireBreach } from "./wire-breach.ts";
import type { WireLimits } from "./wire-limits.ts";

/** What the receiving half works with. */
export interface ChannelReceiverOptions {
  readonly limits: WireLimits;
  readonly account: MemoryAccount;
  readonly writer: FrameWriter;
  readonly listener: ChannelListener;
  /** The peer closed the channel and nothing of it waits any more. */
  readonly onDrained: (channel: Channel) => void;
}

/** See the head of the file. */
export class ChannelReceiver {
  /** False until somebody listens: every channel is held until then. */
  started = false;
  readonly #limits: WireLimits;
  readonly #account: MemoryAccount;
  readonly #writer: FrameWriter;
  readonly #listener: ChannelListener;
  readonly #onDrained: (channel: Channel) => void;

  constructor(options: ChannelReceiverOptions) {
    this.#limits = options.limits;
    this.#account = options.account;
    this.#writer = options.writer;
    this.#listener = options.listener;
    this.#onDrained = options.onDrained;
  }

  /** A whole message. */
  onMessage(channel: Channel, body: Uint8Array): WireBreach | undefined {
    if (channel.closing) return undefined;
    const charge = body.length + this.#limits.frameCostBytes;
    if (charge > channel.allowance) return overCredit(channel);
    channel.allowance -= charge;
    if (channel.assembly !== undefined) {
      return malformed(`channel ${channel.id}: a message before the last one was complete`);
    }
    if (body.length > this.#limits.maxMessageBytes) return this.#tooLarge(body.length);
    if (this.started && !channel.held && channel.waiting.empty) {
      this.#listener.onMessage(channel.id, body);
      channel.consumed += charge;
      this.#grant(channel);
      return undefined;
    }
    if (!this.#reserve(body.length)) return noMemory(body.length);
    // The view ends with the call; what waits is a copy.
    channel.waiting.push({ message: body.slice(), charge });
    return undefined;
  }

  /** The first segment of a message. */
  onFirst(channel: Channel, body: Uint8Array): WireBreach | undefined {
    if (channel.closing) return undefined;
    const total = readVarint(body, 0, body.length);
    const partStart = total < 0 ? 0 : varintSize(total);
    const partBytes = body.length - partStart;
    const charge = partBytes + this.#limits.frameCostBytes;
    if (charge > channel.allowance) return overCredit(channel);
    channel.allowance -= charge;
    if (total < 0 || partBytes === 0 || partBytes >= total || channel.assembly !== undefined) {
      return malformed(`channel ${channel.id}: the first segment of a message is not one`);
    }
    if (total > this.#limits.maxMessageBytes) return this.#tooLarge(total);
    if (!this.#reserve(total)) return noMemory(total);
    // Not zeroed: every byte is written before it is read. No Buffer: its `slice` is a view.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(total).buffer);
    bytes.set(body.subarray(partStart), 0);
    channel.assembly = { bytes, filled: partBytes };
    channel.consumed += charge;
    this.#grant(channel);
    return undefined;
  }

  /** A later segment of a message. */
  onNext(channel: Channel, body: Uint8Array): WireBreach | undefined {
    if (channel.closing) return undefined;
    const charge = body.length + this.#limits.frameCostBytes;
    if (charge > channel.allowance) return overCredit(channel);
    channel.allowance -= charge;
    const assembly = channel.assembly;
    const rest = assembly === undefined ? 0 : assembly.bytes.length - assembly.filled;
    if (assembly === undefined || body.length === 0 || body.length > rest) {
      return malformed(
        `channel ${channel.id}: a segment of ${body.length} bytes, ${rest} expected`,
      );
    }
    assembly.bytes.set(body, assembly.filled);
    assembly.filled += body.length;
    channel.consumed += charge;
    if (body.length === rest) {
      channel.assembly = undefined;
      channel.waiting.push({ message: assembly.bytes, charge: 0 });
      this.drain(channel);
    }
    this.#grant(channel);
    return undefined;
  }

  /** Delivers what waits, unless the channel is held; then gives credit, or tells its end. */
  drain(channel: Channel): void {
    if (channel.delivering) return;
    channel.delivering = true;
    try {
      this.#deliverWaiting(channel);
    } finally {
      channel.delivering = false;
    }
    if (channel.gone) return;
    this.#grant(channel);
    if (channel.peerClosed && this.started && channel.waiting.empty) this.#onDrained(channel);
  }

  /** Drops what waits and what is being put together. */
  discard(channel: Channel): void {
    for (let next = channel.waiting.shift(); next !== undefined; next = channel.waiting.shift()) {
      this.#release(next.message.length);
    }
    if (channel.assembly !== undefined) this.#release(channel.assembly.bytes.length);
    channel.assembly = undefined;
  }

  #deliverWaiting(channel: Channel): void {
    // Looked at anew each time: the listener may hold or close the channel.
    while (this.started && !channel.held && !channel.gone && !channel.closing) {
      const next = channel.waiting.shift();
      if (next === undefined) return;
      this.#release(next.message.length);
      channel.consumed += next.charge;
      this.#listener.onMessage(channel.id, next.message);
    }
  }

  /** Gives consumed bytes back once they are half a window: one small frame per 128 KiB. */
  #grant(channel: Channel): void {
    const due = 2 * channel.consumed >= this.#limits.windowBytes;
    if (!due || !this.started || channel.held || channel.gone) return;
    if (channel.peerClosed || channel.closing) return;
    this.#writer.number(frameType.credit, channel.id, channel.consumed);
    channel.allowance += channel.consumed;
    channel.consumed = 0;
    this.#listener.onPending();
  }

  #reserve(messageBytes: number): boolean {
    return this.#account.reserve(messageBytes + this.#limits.frameCostBytes);
  }

  #release(messageBytes: number): void {
    this.#account.release(messageBytes + this.#limits.frameCostBytes);
  }

  #tooLarge(sizeBytes: number): WireBreach {
    return limitExceeded(
      `a message of ${sizeBytes} bytes, at most ${this.#limits.maxMessageBytes}`,
    );
  }
}

function overCredit(channel: Channel): WireBreach {
  return limitExceeded(`channel ${channel.id}: more was sent than credit was given for`);
}

function noMemory(sizeBytes: number): WireBreach {
  return limitExceeded(`no memory left for a message of ${sizeBytes} bytes`);
}
