/**
 * Where frames are written before they go out. Bytes of a slab are used once and never again: the
 * carrier may keep views of them as long as it likes (its package corrupts data when a buffer is
 * reused after an awaited write). A writer borrows a slab for one batch and gives the rest back, so
 * that an idle lane holds no memory.
 */

/** A piece of memory that is used from its beginning to its end, once. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** First byte that nobody has used. Only grows. */
  used: number;
}

/** Slabs that have room left. */
export class SlabPool {
  readonly #slabBytes: number;
  readonly #open: Slab[] = [];

  /** @param slabBytes size of a slab; greater ones are made for greater frames. */
  constructor(slabBytes = 64 * 1024) {
    this.#slabBytes = slabBytes;
  }

  /** @returns a slab with at least `minBytes` left, the caller's until it is released. */
  acquire(minBytes: number): Slab {
    const slab = this.#open.pop();
    if (slab !== undefined && slab.bytes.length - slab.used >= minBytes) return slab;
    // A rest that is too small is left to the garbage collector.
    return { bytes: Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, minBytes)), used: 0 };
  }

  /** Gives back the rest of a slab. At most 16 are kept, each with at least an eighth left. */
  release(slab: Slab): void {
    const rest = slab.bytes.length - slab.used;
    if (rest >= this.#slabBytes / 8 && this.#open.length < 16) this.#open.push(slab);
  }
}
