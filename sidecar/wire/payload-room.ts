/** Payloads up to this size share memory, bytes. */
const maxSharedBytes = 1_024;
/** Memory that they share: what one payload can hold back when all others are gone, bytes. */
const roomBytes = 8 * 1_024;

/**
 * Copies payloads out of what came from the network, small ones side by side: memory of its own for
 * each costs more than the copy and burdens the garbage collector. One room per queue or pool, so
 * that payloads that lie together come and go together.
 */
export class PayloadRoom {
  #room = new ArrayBuffer(0);
  #used = 0;

  /** @returns a copy of `bytes` from `start` to `end`, exclusive. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const copy = this.#take(end - start);
    copy.set(bytes.subarray(start, end));
    return copy;
  }

  #take(sizeBytes: number): Uint8Array {
    if (sizeBytes > maxSharedBytes) return new Uint8Array(sizeBytes);
    if (this.#used + sizeBytes > this.#room.byteLength) {
      this.#room = new ArrayBuffer(roomBytes);
      this.#used = 0;
    }
    const taken = new Uint8Array(this.#room, this.#used, sizeBytes);
    this.#used += sizeBytes;
    return taken;
  }
}
