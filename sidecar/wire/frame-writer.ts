import { frameType, lengthBytes, writeU32, writeVarint } from "./frame.ts";
import type { Slab, SlabPool } from "./slab-pool.ts";

/** What a writer works with. */
export interface FrameWriterOptions {
  readonly slabs: SlabPool;
  /** Bytes left free before each batch for the carrier's own header. */
  readonly headerRoomBytes: number;
  /**
   * Gets each batch; it owns the view and the room before it until it calls `written`, as
   * `ByteLane.write` says.
   */
  readonly out: (batch: Uint8Array, written: Slab["written"]) => void;
}

/** Type, channel and total size: what a frame needs at most besides length word and body. */
const overheadBytes = 1 + 5 + 5;

/**
 * Collects frames into batches. One batch goes out per `flush`, more only when a slab is full.
 * Cost: one copy of each body; one view per batch.
 */
export class FrameWriter {
  readonly #slabs: SlabPool;
  readonly #headerRoomBytes: number;
  readonly #out: FrameWriterOptions["out"];
  #slab: Slab | undefined;
  #batchStart = 0;
  #writtenBytes = 0;

  constructor(options: FrameWriterOptions) {
    this.#slabs = options.slabs;
    this.#headerRoomBytes = options.headerRoomBytes;
    this.#out = options.out;
  }

  /** True when frames wait for `flush`. */
  get pending(): boolean {
    return this.#slab !== undefined;
  }

  /** Bytes of all frames since the beginning. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Writes a frame; `body` is copied. */
  frame(type: number, channel: number, body: Uint8Array): void {
    const slab = this.#room(lengthBytes + overheadBytes + body.length);
    const start = slab.used;
    const bytes = slab.bytes;
    bytes[start + lengthBytes] = type;
    let at = start + lengthBytes + 1;
    if (channel < 0x80) bytes[at++] = channel;
    else at = writeVarint(bytes, at, channel);
    bytes.set(body, at);
    this.#finish(slab, start, at + body.length);
  }

  /** Writes a frame whose body is one varint. */
  number(type: number, channel: number, value: number): void {
    const slab = this.#room(lengthBytes + overheadBytes);
    const start = slab.used;
    slab.bytes[start + lengthBytes] = type;
    const at = writeVarint(slab.bytes, start + lengthBytes + 1, channel);
    this.#finish(slab, start, writeVarint(slab.bytes, at, value));
  }

  /** Writes the first part of a message of `totalBytes`; `part` is copied. */
  first(channel: number, totalBytes: number, part: Uint8Array): void {
    const slab = this.#room(lengthBytes + overheadBytes + part.length);
    const start = slab.used;
    slab.bytes[start + lengthBytes] = frameType.first;
    let at = writeVarint(slab.bytes, start + lengthBytes + 1, channel);
    at = writeVarint(slab.bytes, at, totalBytes);
    slab.bytes.set(part, at);
    this.#finish(slab, start, at + part.length);
  }

  /** Writes bytes that are no frame: the opening of the control lane. */
  raw(bytes: Uint8Array): void {
    const slab = this.#room(bytes.length);
    slab.bytes.set(bytes, slab.used);
    slab.used += bytes.length;
    this.#writtenBytes += bytes.length;
  }

  /** Sends what was collected; nothing when there is nothing. */
  flush(): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    this.#slab = undefined;
    const { bytes } = slab;
    const start = this.#batchStart;
    const batch = new Uint8Array(bytes.buffer, bytes.byteOffset + start, slab.used - start);
    // Released first: the carrier may call back into a writer, and `used` is already behind it.
    slab.sent();
    this.#slabs.release(slab);
    this.#out(batch, slab.written);
  }

  /** @returns a slab with that much room left; a batch that is too long goes out before. */
  #room(sizeBytes: number): Slab {
    const open = this.#slab;
    if (open !== undefined) {
      if (open.freeBytes >= sizeBytes) return open;
      this.flush();
    }
    const slab = this.#slabs.acquire(this.#headerRoomBytes + sizeBytes);
    slab.used += this.#headerRoomBytes;
    this.#batchStart = slab.used;
    this.#slab = slab;
    return slab;
  }

  #finish(slab: Slab, start: number, end: number): void {
    writeU32(slab.bytes, start, end - start - lengthBytes);
    slab.used = end;
    this.#writtenBytes += end - start;
  }
}
