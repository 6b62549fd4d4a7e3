import { lengthBytes, readU32, readVarint, varintSize } from "./frame.ts";
import type { MemoryAccount } from "./memory-budget.ts";
import { limitExceeded, malformed, type WireBreach } from "./wire-breach.ts";

/** Receives frames. An object rather than a callback, so that nothing is allocated per chunk. */
export interface FrameSink {
  /**
   * @param body a view that is valid only during the call.
   * @returns false to stop: the rest of the chunk and all later ones are dropped.
   */
  onFrame(type: number, channel: number, body: Uint8Array): boolean;
}

/** What a decoder works with. */
export interface FrameDecoderOptions {
  readonly sink: FrameSink;
  /** Pays for frames that are not complete yet. */
  readonly account: MemoryAccount;
  /** Greatest frame without its length word; a greater one is a breach. */
  readonly maxFrameBytes: number;
}

/** A lane keeps this much for frames that are cut; greater ones get memory of their own. */
const maxScratchBytes = 16 * 1024;

const noBytes = new Uint8Array(0);

/**
 * Cuts a byte stream into frames, wherever its chunks begin and end. A frame inside one chunk is
 * handed on as a view of it; one that spans chunks is copied once.
 * Cost: one view per frame.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #account: MemoryAccount;
  readonly #maxFrameBytes: number;
  /** Bytes of a length word that was cut by the end of a chunk. */
  readonly #length = new Uint8Array(lengthBytes);
  #lengthFilled = 0;
  /** A frame (without its length word) that was cut by the end of a chunk. */
  #partial: Uint8Array | undefined;
  /** Memory for frames that chunks cut, of the greatest that came, at most `maxScratchBytes`. */
  #scratch = noBytes;
  #partialFilled = 0;
  #stopped = false;

  constructor(options: FrameDecoderOptions) {
    this.#sink = options.sink;
    this.#account = options.account;
    this.#maxFrameBytes = options.maxFrameBytes;
  }

  /**
   * Takes the next bytes. Never throws for what is in them.
   * @returns why the session ends; undefined while all is well.
   */
  push(chunk: Uint8Array): WireBreach | undefined {
    let at = 0;
    const end = chunk.length;
    while (at < end && !this.#stopped) {
      if (this.#partial !== undefined) {
        at = this.#fillPartial(this.#partial, chunk, at);
        const breach = this.#finishPartial(this.#partial);
        if (breach !== undefined) return this.#stop(breach);
        continue;
      }
      if (this.#lengthFilled > 0 || end - at < lengthBytes) {
        at = this.#fillLength(chunk, at);
        if (this.#lengthFilled < lengthBytes) return undefined;
        this.#lengthFilled = 0;
        const breach = this.#begin(readU32(this.#length, 0));
        if (breach !== undefined) return this.#stop(breach);
        continue;
      }
      const size = readU32(chunk, at);
      const next = at + lengthBytes + size;
      if (next > end) {
        const breach = this.#begin(size);
        if (breach !== undefined) return this.#stop(breach);
        at += lengthBytes;
        continue;
      }
      const breach = this.#frame(chunk, at + lengthBytes, size);
      if (breach !== undefined) return this.#stop(breach);
      at = next;
    }
    return undefined;
  }

  #stop(breach: WireBreach): WireBreach {
    this.#stopped = true;
    return breach;
  }

  #fillLength(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#lengthFilled < lengthBytes) {
      this.#length[this.#lengthFilled++] = chunk[at++] ?? 0;
    }
    return at;
  }

  /** Makes room for a frame of which not everything is here. */
  #begin(size: number): WireBreach | undefined {
    const breach = this.#sizeBreach(size);
    if (breach !== undefined) return breach;
    if (!this.#account.reserve(size)) {
      return limitExceeded(`no memory left for a frame of ${size} bytes`);
    }
    this.#partial = this.#take(size);
    this.#partialFilled = 0;
    return undefined;
  }

  #take(sizeBytes: number): Uint8Array {
    if (sizeBytes > maxScratchBytes) return Buffer.allocUnsafeSlow(sizeBytes);
    if (this.#scratch.length < sizeBytes) this.#scratch = Buffer.allocUnsafeSlow(sizeBytes);
    return this.#scratch.subarray(0, sizeBytes);
  }

  #fillPartial(partial: Uint8Array, chunk: Uint8Array, from: number): number {
    const take = Math.min(partial.length - this.#partialFilled, chunk.length - from);
    partial.set(chunk.subarray(from, from + take), this.#partialFilled);
    this.#partialFilled += take;
    return from + take;
  }

  #finishPartial(partial: Uint8Array): WireBreach | undefined {
    if (this.#partialFilled < partial.length) return undefined;
    this.#partial = undefined;
    this.#account.release(partial.length);
    return this.#frame(partial, 0, partial.length);
  }

  #sizeBreach(size: number): WireBreach | undefined {
    if (size > this.#maxFrameBytes) {
      return limitExceeded(`a frame of ${size} bytes, at most ${this.#maxFrameBytes}`);
    }
    return size < 2 ? malformed(`a frame of ${size} bytes, at least 2`) : undefined;
  }

  #frame(source: Uint8Array, start: number, size: number): WireBreach | undefined {
    const sizeBreach = this.#sizeBreach(size);
    if (sizeBreach !== undefined) return sizeBreach;
    const end = start + size;
    const first = source[start + 1] ?? 0;
    // Nearly every channel fits into one byte.
    const channel = first < 0x80 ? first : readVarint(source, start + 1, end);
    if (channel < 0) return malformed("the channel of a frame is no number");
    const bodyStart = start + 1 + varintSize(channel);
    const body = new Uint8Array(source.buffer, source.byteOffset + bodyStart, end - bodyStart);
    if (!this.#sink.onFrame(source[start] ?? 0, channel, body)) this.#stopped = true;
    return undefined;
  }
}
