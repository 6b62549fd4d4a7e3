import type { ChannelListener } from "../wire/channel-listener.ts";
import { ChannelMux, type SendQueue } from "../wire/channel-mux.ts";
import { FrameDecoder } from "../wire/frame-decoder.ts";
import { FrameWriter } from "../wire/frame-writer.ts";
import type { MemoryAccount } from "../wire/memory-budget.ts";
import type { SlabPool } from "../wire/slab-pool.ts";
import { limitExceeded, type WireBreach } from "../wire/wire-breach.ts";
import type { WireLimits } from "../wire/wire-limits.ts";
import type { ByteLane } from "./carrier.ts";
import type { Lane } from "./ports.ts";
import { TransportError } from "./transport-error.ts";
import type { Turns } from "./turns.ts";

/** The session that a lane belongs to. */
export interface LaneOwner {
  /** Bytes came: the peer lives. */
  onHeard(): void;
  /** The session is to be ended. */
  onBreach(breach: WireBreach): void;
  /** A listener of messages threw. */
  onFailure(error: unknown): void;
  /** The byte lane ended while the session had not. */
  onLaneEnd(): void;
}

/** What a lane works with. */
export interface PeerLaneComponents {
  readonly byteLane: ByteLane;
  readonly dialled: boolean;
  readonly owner: LaneOwner;
  /** With the frame size that was negotiated. */
  readonly limits: WireLimits;
  readonly slabs: SlabPool;
  readonly account: MemoryAccount;
  readonly queue: SendQueue;
  readonly turns: Turns;
}

/** A data lane: channels over a carrier's byte lane. Everything of a turn goes out in one write. */
export class PeerLane implements Lane {
  readonly #byteLane: ByteLane;
  readonly #owner: LaneOwner;
  readonly #limits: WireLimits;
  readonly #queue: SendQueue;
  readonly #turns: Turns;
  readonly #writer: FrameWriter;
  readonly #decoder: FrameDecoder;
  readonly #mux: ChannelMux;
  #messageListener: ((channel: number, message: Uint8Array) => void) | undefined;
  #closedListener: ((channel: number) => void) | undefined;
  #flushScheduled = false;
  #receivedBytes = 0;
  #stopped = false;

  constructor(components: PeerLaneComponents) {
    const { byteLane, limits, account, queue } = components;
    this.#byteLane = byteLane;
    this.#owner = components.owner;
    this.#limits = limits;
    this.#queue = queue;
    this.#turns = components.turns;
    this.#writer = new FrameWriter({
      slabs: components.slabs,
      headerRoomBytes: byteLane.headerRoomBytes,
      out: (batch, written) => {
        byteLane.write(batch, written);
      },
    });
    this.#mux = new ChannelMux({
      dialled: components.dialled,
      limits,
      account,
      writer: this.#writer,
      queue,
      listener: this.#channelListener(),
    });
    this.#decoder = new FrameDecoder({
      sink: this.#mux,
      account,
      maxFrameBytes: limits.maxFrameBytes,
    });
    byteLane.onBytes((chunk) => {
      this.#onBytes(chunk);
    });
    byteLane.onEnd(() => {
      if (!this.#stopped) this.#owner.onLaneEnd();
    });
  }

  get queuedBytes(): number {
    return this.#mux.queuedBytes + this.#byteLane.bufferedBytes;
  }

  /** Bytes of frames written since the beginning. */
  get sentBytes(): number {
    return this.#writer.writtenBytes;
  }

  /** Bytes that came since the beginning. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Channels that are open, channel 0 not counted. */
  get channelCount(): number {
    return this.#mux.channelCount;
  }

  openChannel(): number {
    if (this.#stopped) throw new TransportError("CLOSED", "the session has ended");
    const channel = this.#mux.openChannel();
    if (channel !== undefined) return channel;
    const bound = this.#limits.maxChannels;
    throw new TransportError("TOO_MANY_CHANNELS", `a lane has at most ${bound} channels a side`);
  }

  closeChannel(channel: number): void {
    this.#mux.closeChannel(channel);
  }

  send(channel: number, message: Uint8Array): boolean {
    return this.#mux.send(channel, message);
  }

  onMessage(listener: (channel: number, message: Uint8Array) => void): void {
    this.#messageListener = listener;
    this.#guarded(() => {
      this.#mux.start();
    });
  }

  onChannelClosed(listener: (channel: number) => void): void {
    this.#closedListener = listener;
  }

  hold(channel: number): void {
    this.#mux.hold(channel);
  }

  resume(channel: number): void {
    this.#mux.resume(channel);
  }

  /** Writes what waits and has credit; for the session, before it says GOODBYE. */
  flush(): void {
    if (this.#stopped) return;
    this.#mux.pump();
    this.#writer.flush();
    const waitingBytes = this.#byteLane.bufferedBytes + this.#queue.bytes;
    if (waitingBytes > this.#limits.sessionQueueBytes) {
      const reason = `${waitingBytes} bytes wait for the network`;
      this.#owner.onBreach(limitExceeded(`${reason}, at most ${this.#limits.sessionQueueBytes}`));
    }
  }

  /** Ends the lane: nothing is sent or delivered any more. */
  stop(): void {
    this.#stopped = true;
    this.#mux.stop();
  }

  #onBytes(chunk: Uint8Array): void {
    if (this.#stopped) return;
    this.#receivedBytes += chunk.length;
    this.#owner.onHeard();
    this.#guarded(() => {
      const breach = this.#decoder.push(chunk);
      if (breach !== undefined) this.#owner.onBreach(breach);
    });
  }

  /** A listener that throws has a bug; the session pays for it, not the process. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#owner.onFailure(error);
    }
  }

  #channelListener(): ChannelListener {
    return {
      onMessage: (channel, message) => {
        this.#messageListener?.(channel, message);
      },
      onChannelClosed: (channel) => {
        this.#closedListener?.(channel);
      },
      onPending: () => {
        if (this.#flushScheduled) return;
        this.#flushScheduled = true;
        this.#turns.atEnd(this.#flushTurn);
      },
      onBreach: (breach) => {
        this.#owner.onBreach(breach);
      },
    };
  }

  readonly #flushTurn = (): void => {
    this.#flushScheduled = false;
    this.flush();
  };
}
