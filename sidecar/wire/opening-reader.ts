import { lengthBytes, readU32 } from "./frame.ts";
import { maxOpeningBytes } from "./session-offer.ts";
import { limitExceeded, type WireBreach } from "./wire-breach.ts";

/**
 * What the beginning of a control lane holds so far. `rest` is where the frames begin in the chunk
 * that completed the blob.
 */
export type OpeningProgress =
  | { readonly type: "more" }
  | { readonly type: "breach"; readonly breach: WireBreach }
  | { readonly type: "done"; readonly blob: Uint8Array; readonly rest: number };

/** Reads u32 LE length | blob from the beginning of a control lane, whatever its chunks. */
export class OpeningReader {
  readonly #length = new Uint8Array(lengthBytes);
  #lengthFilled = 0;
  #blob: Uint8Array | undefined;
  #blobFilled = 0;

  /** Takes the next bytes; not to be called again after `done` or `breach`. */
  push(chunk: Uint8Array): OpeningProgress {
    let at = 0;
    while (this.#lengthFilled < lengthBytes) {
      if (at === chunk.length) return { type: "more" };
      this.#length[this.#lengthFilled++] = chunk[at++] ?? 0;
    }
    if (this.#blob === undefined) {
      const size = readU32(this.#length, 0);
      if (size > maxOpeningBytes) {
        const reason = `an opening of ${size} bytes, at most ${maxOpeningBytes}`;
        return { type: "breach", breach: limitExceeded(reason) };
      }
      this.#blob = new Uint8Array(size);
    }
    const blob = this.#blob;
    const take = Math.min(blob.length - this.#blobFilled, chunk.length - at);
    blob.set(chunk.subarray(at, at + take), this.#blobFilled);
    this.#blobFilled += take;
    if (this.#blobFilled < blob.length) return { type: "more" };
    return { type: "done", blob, rest: at + take };
  }
}
