/**
 * Texts that many objects have in common, such as a route: one copy of each. Made of parts, a text
 * is a tree of them for V8 until somebody looks into it, which takes twice the memory.
 */
const maxTexts = 4_096;

/** One copy of a text, for the first 4,096 of them. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();

  /** @returns the text: the copy that came first, or a flat one. */
  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const flat = flatText(text);
    if (this.#texts.size < maxTexts) this.#texts.set(flat, flat);
    return flat;
  }
}

/** @returns a text that shares nothing with what it was cut from or put together of. */
export function flatText(text: string): string {
  return Buffer.from(text).toString();
}
