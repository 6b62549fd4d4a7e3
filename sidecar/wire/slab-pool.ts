/**
 * Where frames are written before they go out. A writer borrows a slab for one batch and gives the
 * rest back, so that an idle lane holds no memory. The bytes of a batch belong to the carrier until
 * it says that they are written (`Slab.written`); a slab none of whose batches is under way begins
 * anew. So a busy session goes round in a slab or two, warm in the cache, and makes no garbage.
 */

/** A piece of memory, used from its beginning to its end, then again once that is written. */
export class Slab {
  readonly bytes: Uint8Array;
  /** First byte that is free. */
  used = 0;
  /** With a writer, in the pool, or with neither until its batches are written. */
  place: "lent" | "open" | "full" = "lent";
  readonly #onIdle: (slab: Slab) => void;
  #underWay = 0;

  constructor(sizeBytes: number, onIdle: (slab: Slab) => void) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.#onIdle = onIdle;
  }

  get freeBytes(): number {
    return this.bytes.length - this.used;
  }

  /** True when no batch of it is with the carrier. */
  get idle(): boolean {
    return this.#underWay === 0;
  }

  /** A batch goes to the carrier. */
  sent(): void {
    this.#underWay += 1;
  }

  /**
   * The carrier reads the oldest batch no more. After an error nobody knows what it still reads:
   * the slab is left to the garbage collector.
   */
  readonly written = (error?: Error | null): void => {
    if (error !== undefined && error !== null) return;
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#onIdle(this);
  };
}

/** Slabs that wait for a writer, at most. */
const maxOpen = 16;

/** Slabs that have room left. */
export class SlabPool {
  readonly #slabBytes: number;
  readonly #open: Slab[] = [];

  /** @param slabBytes size of a slab; greater ones are made for greater frames, and not kept. */
  constructor(slabBytes = 64 * 1024) {
    this.#slabBytes = slabBytes;
  }

  /** @returns a slab with at least `minBytes` free, the caller's until it is released. */
  acquire(minBytes: number): Slab {
    const slab = this.#open.pop();
    if (slab === undefined) return this.#make(minBytes);
    slab.place = slab.freeBytes >= minBytes ? "lent" : "full";
    return slab.place === "lent" ? slab : this.#make(minBytes);
  }

  /** Gives a slab back. One with less than an eighth free waits until its batches are written. */
  release(slab: Slab): void {
    if (slab.idle) slab.used = 0;
    slab.place = "full";
    if (slab.freeBytes >= this.#slabBytes / 8) this.#keep(slab);
  }

  readonly #onIdle = (slab: Slab): void => {
    if (slab.place === "lent") return;
    slab.used = 0;
    if (slab.place === "full") this.#keep(slab);
  };

  #make(minBytes: number): Slab {
    return new Slab(Math.max(this.#slabBytes, minBytes), this.#onIdle);
  }

  /** At most 16 slabs of the usual size are kept; others go to the garbage collector. */
  #keep(slab: Slab): void {
    if (slab.bytes.length !== this.#slabBytes || this.#open.length >= maxOpen) return;
    slab.place = "open";
    this.#open.push(slab);
  }
}
