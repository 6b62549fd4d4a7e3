import { frameType, lengthBytes, writeU32 } from "../wire/frame.ts";
import { FrameDecoder } from "../wire/frame-decoder.ts";
import { FrameWriter } from "../wire/frame-writer.ts";
import type { MemoryAccount } from "../wire/memory-budget.ts";
import { OpeningReader } from "../wire/opening-reader.ts";
import type { SlabPool } from "../wire/slab-pool.ts";
import { malformed, type WireBreach } from "../wire/wire-breach.ts";
import { openingFrameBytes } from "../wire/wire-limits.ts";
import type { ByteLane } from "./carrier.ts";

/** Pings are not answered while this much waits: a flood of them is its sender's problem. */
const maxUnsentBytes = 64 * 1024;

/** Whom a control lane tells. */
export interface ControlLaneOwner {
  onHeard(): void;
  /** The peer's opening blob. */
  onBlob(blob: Uint8Array): void;
  /** @returns false when nothing more is wanted. */
  onFrame(type: number, body: Uint8Array): boolean;
  onBreach(breach: WireBreach): void;
  /** Something that was told threw. */
  onFailure(error: unknown): void;
  /** The byte lane ended. */
  onLaneEnd(): void;
}

/** What a control lane works with. */
export interface ControlLaneComponents {
  readonly byteLane: ByteLane;
  readonly owner: ControlLaneOwner;
  readonly slabs: SlabPool;
  readonly account: MemoryAccount;
}

/** The first lane of a session: the opening blob each way, then control frames on channel 0. */
export class ControlLane {
  readonly #byteLane: ByteLane;
  readonly #owner: ControlLaneOwner;
  readonly #writer: FrameWriter;
  readonly #decoder: FrameDecoder;
  #opening: OpeningReader | undefined = new OpeningReader();
  #receivedBytes = 0;
  #failed = false;

  constructor(components: ControlLaneComponents) {
    const { byteLane, owner } = components;
    this.#byteLane = byteLane;
    this.#owner = owner;
    this.#writer = new FrameWriter({
      slabs: components.slabs,
      headerRoomBytes: byteLane.headerRoomBytes,
      out: (batch, written) => {
        byteLane.write(batch, written);
      },
    });
    this.#decoder = new FrameDecoder({
      sink: {
        onFrame: (type, channel, body) => {
          if (channel === 0) return owner.onFrame(type, body);
          this.#breach(malformed(`channel ${channel} on the control lane`));
          return false;
        },
      },
      account: components.account,
      maxFrameBytes: openingFrameBytes,
    });
  }

  /** Bytes written since the beginning. */
  get sentBytes(): number {
    return this.#writer.writtenBytes;
  }

  /** Bytes that came since the beginning. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Begins to receive. */
  listen(): void {
    this.#byteLane.onBytes((chunk) => {
      this.#onBytes(chunk);
    });
    this.#byteLane.onEnd(() => {
      this.#owner.onLaneEnd();
    });
  }

  /** Sends the opening blob with its length. */
  sendBlob(blob: Uint8Array): void {
    const length = new Uint8Array(lengthBytes);
    writeU32(length, 0, blob.length);
    this.#writer.raw(length);
    this.#writer.raw(blob);
  }

  /** Sends a frame; all of it goes out with `flush`. */
  sendFrame(type: number, body: Uint8Array): void {
    if (type === frameType.pong && this.#byteLane.bufferedBytes > maxUnsentBytes) return;
    this.#writer.frame(type, 0, body);
  }

  /** Writes what waits. */
  flush(): void {
    this.#writer.flush();
  }

  #onBytes(chunk: Uint8Array): void {
    if (this.#failed) return;
    this.#receivedBytes += chunk.length;
    this.#owner.onHeard();
    this.#guarded(() => {
      const frames = this.#readOpening(chunk);
      if (frames === undefined) return;
      const breach = this.#decoder.push(frames);
      if (breach !== undefined) this.#breach(breach);
    });
  }

  /** What is told here tells listeners of the session; a throw must not reach the carrier. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed = true;
      this.#owner.onFailure(error);
    }
  }

  /** @returns the part of the chunk that holds frames; undefined when there is none yet. */
  #readOpening(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#opening === undefined) return chunk;
    const progress = this.#opening.push(chunk);
    if (progress.type === "more") return undefined;
    if (progress.type === "breach") {
      this.#breach(progress.breach);
      return undefined;
    }
    this.#opening = undefined;
    this.#owner.onBlob(progress.blob);
    return progress.rest < chunk.length ? chunk.subarray(progress.rest) : undefined;
  }

  #breach(breach: WireBreach): void {
    this.#failed = true;
    this.#owner.onBreach(breach);
  }
}
