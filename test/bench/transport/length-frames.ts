/**
 * Length-prefixed messages over any byte pipe: what a user of plain TCP would write. The same code
 * frames every system that has no messages of its own, so that only what is beneath differs.
 */

/** Joins the messages of one event-loop turn into one write, or writes each on its own. */
export class FrameWriter {
  readonly #write: (bytes: Buffer) => void;
  readonly #batched: boolean;
  readonly #headroom: number;
  #slab: Buffer;
  #begin: number;
  #end: number;
  #scheduled = false;

  /** @param headroom free bytes before each view, for a pipe that puts its own header there. */
  constructor(write: (bytes: Buffer) => void, batched: boolean, headroom = 0) {
    this.#write = write;
    this.#batched = batched;
    this.#headroom = headroom;
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    this.#begin = headroom;
    this.#end = headroom;
  }

  send(message: Uint8Array): void {
    const needed = 4 + message.length;
    if (this.#end + needed > this.#slab.length) this.#startSlab(needed);
    this.#slab.writeUInt32LE(message.length, this.#end);
    this.#slab.set(message, this.#end + 4);
    this.#end += needed;
    if (!this.#batched) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  /** What this turn has gathered moves along: a turn cut in two writes would be two turns there. */
  #startSlab(neededBytes: number): void {
    const gathered = this.#slab.subarray(this.#begin, this.#end);
    const bytes = this.#headroom + gathered.length + neededBytes;
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.#slab.set(gathered, this.#headroom);
    this.#begin = this.#headroom;
    this.#end = this.#headroom + gathered.length;
  }

  #flush(): void {
    if (this.#end === this.#begin) return;
    const bytes = this.#slab.subarray(this.#begin, this.#end);
    this.#begin = this.#end + this.#headroom;
    this.#end = this.#begin;
    this.#write(bytes);
  }
}

const slabBytes = 256 * 1024;

/** Cuts bytes into messages. */
export class FrameReader {
  readonly #onMessage: (message: Uint8Array) => void;
  #rest: Buffer | undefined;

  constructor(onMessage: (message: Uint8Array) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Uint8Array): void {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const bytes = this.#rest === undefined ? fresh : Buffer.concat([this.#rest, fresh]);
    this.#rest = undefined;
    let offset = 0;
    while (offset + 4 <= bytes.length) {
      const length = bytes.readUInt32LE(offset);
      if (offset + 4 + length > bytes.length) break;
      this.#onMessage(bytes.subarray(offset + 4, offset + 4 + length));
      offset += 4 + length;
    }
    if (offset < bytes.length) this.#rest = Buffer.from(bytes.subarray(offset));
  }
}
