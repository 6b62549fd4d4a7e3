/**
 * Channels of one lane: many ordered message streams in one byte stream, each with its own credit.
 * Idea: a sender spends credit with every frame and waits when it has none; a receiver gives credit
 * back only for what was consumed. So a reader that stands still stops its sender after one window
 * (256 KiB), whatever the transport beneath would buffer, and no other channel notices.
 * Channel 0 is open at both sides for the life of the lane.
 * Sans-IO: frames come in by `onFrame`, go out through a FrameWriter; somebody else flushes.
 */
import { Channel } from "./channel.ts";
import type { ChannelListener } from "./channel-listener.ts";
import { ChannelReceiver } from "./channel-receiver.ts";
import { frameType, readVarint, varintSize } from "./frame.ts";
import type { FrameSink } from "./frame-decoder.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { MemoryAccount } from "./memory-budget.ts";
import { limitExceeded, malformed, type WireBreach } from "./wire-breach.ts";
import type { WireLimits } from "./wire-limits.ts";

/** Bytes that wait on all lanes of one session. */
export interface SendQueue {
  bytes: number;
}

/** What a mux works with. */
export interface ChannelMuxOptions {
  /** The dialler opens odd channels, the acceptor even ones. */
  readonly dialled: boolean;
  readonly limits: WireLimits;
  readonly account: MemoryAccount;
  readonly writer: FrameWriter;
  readonly queue: SendQueue;
  readonly listener: ChannelListener;
}

/** See the head of the file. */
export class ChannelMux implements FrameSink {
  readonly #limits: WireLimits;
  readonly #writer: FrameWriter;
  readonly #queue: SendQueue;
  readonly #listener: ChannelListener;
  readonly #receiver: ChannelReceiver;
  readonly #channels = new Map<number, Channel>();
  /** Channels that have both messages and credit, in turn. */
  #ready: Channel[] = [];
  #spare: Channel[] = [];
  #last: Channel | undefined;
  #nextOwn: number;
  #highestOfPeer = 0;
  #ownCount = 0;
  #peerCount = 0;
  #queuedBytes = 0;
  #stopped = false;

  constructor(options: ChannelMuxOptions) {
    this.#limits = options.limits;
    this.#writer = options.writer;
    this.#queue = options.queue;
    this.#listener = options.listener;
    this.#nextOwn = options.dialled ? 1 : 2;
    this.#channels.set(0, new Channel(0, false, this.#limits.windowBytes));
    this.#receiver = new ChannelReceiver({
      limits: options.limits,
      account: options.account,
      writer: options.writer,
      listener: options.listener,
      onDrained: (channel) => {
        this.#forget(channel);
        this.#listener.onChannelClosed(channel.id);
      },
    });
  }

  /** Bytes that wait for credit, charged as frames are. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Channels that are open, channel 0 not counted. */
  get channelCount(): number {
    return this.#ownCount + this.#peerCount;
  }

  /** @returns a new channel's number; undefined when this side has as many open as it may. */
  openChannel(): number | undefined {
    if (this.#stopped || this.#ownCount >= this.#limits.maxChannels) return undefined;
    const id = this.#nextOwn;
    if (id > 0xffff_fffd) return undefined;
    this.#nextOwn += 2;
    this.#ownCount += 1;
    this.#channels.set(id, new Channel(id, true, this.#limits.windowBytes));
    this.#writer.frame(frameType.open, id, noBytes);
    this.#listener.onPending();
    return id;
  }

  /** Ends a channel after what waits on it. One that is not there, and 0, are left alone. */
  closeChannel(id: number): void {
    const channel = this.#channels.get(id);
    if (channel === undefined || channel.closing || id === 0 || this.#stopped) return;
    this.#receiver.discard(channel);
    if (channel.peerClosed) {
      this.#forget(channel);
    } else if (channel.queue.empty) {
      this.#sendClose(channel);
    } else {
      channel.closing = true;
    }
  }

  /**
   * Sends a message, or lets it wait for credit. On a channel that the peer has closed it is
   * dropped: the listener was told, or is about to be.
   * @returns false when a bound was exceeded; the listener was told of the breach.
   */
  send(id: number, message: Uint8Array): boolean {
    const last = this.#last;
    const channel = last !== undefined && last.id === id ? last : this.#lookup(id);
    if (channel === undefined || channel.closing || channel.peerClosed) return !this.#stopped;
    const size = message.length;
    const charge = size + this.#limits.frameCostBytes;
    if (charge <= channel.credit && size <= this.#limits.segmentBytes && channel.queue.empty) {
      channel.credit -= charge;
      this.#writer.frame(frameType.message, id, message);
      this.#listener.onPending();
      return true;
    }
    return this.#enqueue(channel, message, charge);
  }

  /** See `Lane.hold`. */
  hold(id: number): void {
    const channel = this.#channels.get(id);
    if (channel !== undefined) channel.held = true;
  }

  /** See `Lane.resume`. */
  resume(id: number): void {
    const channel = this.#channels.get(id);
    if (channel === undefined || !channel.held) return;
    channel.held = false;
    this.#receiver.drain(channel);
  }

  /** From now on messages are delivered; what came before has waited within its credit. */
  start(): void {
    this.#receiver.started = true;
    for (const channel of [...this.#channels.values()]) this.#receiver.drain(channel);
  }

  /**
   * Writes what has credit: one segment of each channel in turn, so that a large message of one
   * holds up no other.
   */
  pump(): void {
    while (this.#ready.length > 0 && !this.#stopped) {
      const round = this.#ready;
      this.#ready = this.#spare;
      for (const channel of round) {
        channel.ready = false;
        this.#writeTurn(channel);
        this.#markReady(channel);
      }
      round.length = 0;
      this.#spare = round;
    }
  }

  /** Forgets everything; later calls do nothing. */
  stop(): void {
    this.#stopped = true;
    for (const channel of this.#channels.values()) channel.gone = true;
    this.#channels.clear();
    this.#last = undefined;
    this.#ready = [];
    this.#queue.bytes -= this.#queuedBytes;
    this.#queuedBytes = 0;
  }

  /** A frame of the lane. @returns false when nothing more is wanted. */
  onFrame(type: number, id: number, body: Uint8Array): boolean {
    if (this.#stopped) return false;
    const last = this.#last;
    const channel = last !== undefined && last.id === id ? last : this.#lookup(id);
    if (channel === undefined) return this.#checked(this.#onUnknown(type, id, body));
    if (channel.peerClosed) {
      return this.#checked(malformed(`a frame of type ${type} after the end of channel ${id}`));
    }
    switch (type) {
      case frameType.message:
        return this.#checked(this.#receiver.onMessage(channel, body));
      case frameType.credit:
        return this.#checked(this.#onCredit(channel, body));
      case frameType.first:
        return this.#checked(this.#receiver.onFirst(channel, body));
      case frameType.next:
        return this.#checked(this.#receiver.onNext(channel, body));
      case frameType.close:
        return this.#checked(this.#onClose(channel, body));
      case frameType.open:
        return this.#checked(malformed(`channel ${id} is opened twice`));
      default:
        return this.#checked(malformed(`frame type ${type} is not known on a data lane`));
    }
  }

  #checked(breach: WireBreach | undefined): boolean {
    if (breach !== undefined) this.#breach(breach);
    return !this.#stopped;
  }

  #breach(breach: WireBreach): void {
    if (this.#stopped) return;
    this.stop();
    this.#listener.onBreach(breach);
  }

  #lookup(id: number): Channel | undefined {
    const channel = this.#channels.get(id);
    if (channel !== undefined) this.#last = channel;
    return channel;
  }

  /** A frame of a channel that is not open: a new one, one that is over, or nonsense. */
  #onUnknown(type: number, id: number, body: Uint8Array): WireBreach | undefined {
    const own = id % 2 === this.#nextOwn % 2;
    if (type === frameType.open) return this.#onOpen(id, own, body);
    if (type < frameType.open || type > frameType.credit) {
      return malformed(`frame type ${type} is not known on a data lane`);
    }
    const over = own ? id < this.#nextOwn : id <= this.#highestOfPeer;
    return over ? undefined : malformed(`a frame of type ${type} for channel ${id}, never opened`);
  }

  #onOpen(id: number, own: boolean, body: Uint8Array): WireBreach | undefined {
    if (own || id <= this.#highestOfPeer || body.length > 0) {
      return malformed(`the peer may not open channel ${id}`);
    }
    if (this.#peerCount >= this.#limits.maxChannels) {
      return limitExceeded(`the peer opened more than ${this.#limits.maxChannels} channels`);
    }
    this.#highestOfPeer = id;
    this.#peerCount += 1;
    this.#channels.set(id, new Channel(id, false, this.#limits.windowBytes));
    return undefined;
  }

  #onCredit(channel: Channel, body: Uint8Array): WireBreach | undefined {
    const bytes = readVarint(body, 0, body.length);
    const sizeRight = bytes > 0 && body.length === varintSize(bytes);
    // Above the window means that credit was given back for what was never sent.
    if (!sizeRight || channel.credit + bytes > this.#limits.windowBytes) {
      return malformed(`credit of ${bytes} bytes on channel ${channel.id}, which has all of it`);
    }
    channel.credit += bytes;
    if (this.#markReady(channel)) this.#listener.onPending();
    return undefined;
  }

  #onClose(channel: Channel, body: Uint8Array): WireBreach | undefined {
    if (body.length > 0 || channel.id === 0 || channel.assembly !== undefined) {
      return malformed(`channel ${channel.id} cannot end here`);
    }
    if (channel.closing) {
      this.#forget(channel);
      return undefined;
    }
    channel.peerClosed = true;
    // The peer may open another one now, even if messages of this one still wait for their reader.
    this.#uncount(channel);
    this.#dropQueue(channel);
    this.#receiver.drain(channel);
    return undefined;
  }

  #enqueue(channel: Channel, message: Uint8Array, charge: number): boolean {
    const limits = this.#limits;
    if (message.length > limits.maxMessageBytes) {
      this.#breach(
        limitExceeded(`a message of ${message.length} bytes, at most ${limits.maxMessageBytes}`),
      );
      return false;
    }
    if (channel.queuedBytes + charge > limits.channelQueueBytes) {
      const what = `channel ${channel.id}: more than ${limits.channelQueueBytes} bytes wait`;
      this.#breach(limitExceeded(`${what} for a peer that takes nothing`));
      return false;
    }
    if (this.#queue.bytes + charge > limits.sessionQueueBytes) {
      const what = `more than ${limits.sessionQueueBytes} bytes wait`;
      this.#breach(limitExceeded(`${what} for a peer that takes too little`));
      return false;
    }
    channel.queue.push(message);
    this.#account(channel, charge);
    if (this.#markReady(channel)) this.#listener.onPending();
    return true;
  }

  #account(channel: Channel, deltaBytes: number): void {
    channel.queuedBytes += deltaBytes;
    this.#queuedBytes += deltaBytes;
    this.#queue.bytes += deltaBytes;
  }

  /** Puts a channel into the list when its next frame has credit. @returns true when it is in. */
  #markReady(channel: Channel): boolean {
    if (channel.ready) return true;
    if (channel.gone || this.#nextCharge(channel) > channel.credit) return false;
    channel.ready = true;
    this.#ready.push(channel);
    return true;
  }

  /** Charge of the next frame of a channel; Infinity when nothing waits. */
  #nextCharge(channel: Channel): number {
    const message = channel.queue.peek();
    if (message === undefined) return Infinity;
    const rest = message.length - channel.sentOfFirst;
    return Math.min(rest, this.#limits.segmentBytes) + this.#limits.frameCostBytes;
  }

  /** Writes one segment, or small messages of about that size together. */
  #writeTurn(channel: Channel): void {
    let budget = this.#limits.segmentBytes;
    while (budget > 0) {
      const message = channel.queue.peek();
      const charge = this.#nextCharge(channel);
      if (message === undefined || charge > channel.credit) return;
      this.#writeNext(channel, message);
      channel.credit -= charge;
      budget -= charge;
      if (channel.queue.empty && channel.closing) {
        this.#sendClose(channel);
        return;
      }
    }
  }

  #writeNext(channel: Channel, message: Uint8Array): void {
    const { segmentBytes, frameCostBytes } = this.#limits;
    const start = channel.sentOfFirst;
    const end = Math.min(start + segmentBytes, message.length);
    if (message.length <= segmentBytes) {
      this.#writer.frame(frameType.message, channel.id, message);
    } else if (start === 0) {
      this.#writer.first(channel.id, message.length, message.subarray(0, end));
    } else {
      this.#writer.frame(frameType.next, channel.id, message.subarray(start, end));
    }
    if (end < message.length) {
      channel.sentOfFirst = end;
      return;
    }
    channel.sentOfFirst = 0;
    channel.queue.shift();
    this.#account(channel, -(message.length + frameCostBytes));
  }

  #sendClose(channel: Channel): void {
    this.#writer.frame(frameType.close, channel.id, noBytes);
    this.#forget(channel);
    this.#listener.onPending();
  }

  #forget(channel: Channel): void {
    if (channel.gone) return;
    channel.gone = true;
    this.#dropQueue(channel);
    this.#receiver.discard(channel);
    this.#channels.delete(channel.id);
    if (this.#last === channel) this.#last = undefined;
    this.#uncount(channel);
  }

  #uncount(channel: Channel): void {
    if (!channel.counted) return;
    channel.counted = false;
    if (channel.own) this.#ownCount -= 1;
    else this.#peerCount -= 1;
  }

  #dropQueue(channel: Channel): void {
    channel.queue.clear();
    channel.sentOfFirst = 0;
    this.#account(channel, -channel.queuedBytes);
  }
}

const noBytes = new Uint8Array(0);
