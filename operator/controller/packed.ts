/**
 * Values that are kept by the thousand and seldom read. Such values look like one another: their
 * JSON is cut at the commas, and a phrase that comes again is kept as one or two characters. A
 * status takes a quarter of its text so, and a spec a tenth; objects take seven times the text.
 * Rejected: zlib, which halves the rest and takes two to three times the time, with buffers outside
 * of the heap for each call.
 */

import { flatText } from "./shared-texts.ts";

/** Phrases that a book knows at most; codes end there. */
const maxPhrases = 4_000;
/** Longest phrase that is learned, characters: contracts that stand in a spec are not. */
const maxPhraseLength = 256;
/** Phrases that came once and may come again, remembered at most. */
const maxCandidates = 256;

/**
 * Characters below 32 do not stand in JSON, so that these two are free: what is between two
 * `spelled` is text, `joined` takes the place of the comma that is not there. All others are codes.
 */
const spelled = "\u0000";
const joined = "\u0001";
const firstCode = 2;
/** From here on a code has a second character. */
const firstLongCode = 240;
const shortCodes = firstLongCode - firstCode;

/** A time is no phrase: each comes once, or in a few values. */
const time = /\d\d:\d\d/;

/** A full book is judged each time it was asked for so many phrases. */
const judgedAfter = 16_384;

/** A book of what is known of how values look. What it taught is never taken back. */
class Phrases {
  readonly #codes = new Map<string, string>();
  readonly #phrases: string[] = [];
  readonly #candidates = new Set<string>();
  #asked = 0;
  #unknown = 0;
  #isWorn = false;

  /** Full, and of late it knew less than half of what it was asked for. */
  get isWorn(): boolean {
    return this.#isWorn;
  }

  /** The code of a phrase, or its text in parts that are as short as may be. */
  packed(phrase: string): string {
    const code = this.#codes.get(phrase);
    if (this.#phrases.length === maxPhrases) this.#judge(code !== undefined);
    return code ?? this.#spelled(phrase);
  }

  #judge(isKnown: boolean): void {
    this.#asked += 1;
    if (!isKnown) this.#unknown += 1;
    if (this.#asked < judgedAfter) return;
    this.#isWorn = this.#unknown > judgedAfter / 2;
    this.#asked = 0;
    this.#unknown = 0;
  }

  unpacked(packed: string): string {
    const phrases: string[] = [];
    let isJoined = false;
    let at = 0;
    const take = (phrase: string): void => {
      const before = isJoined ? (phrases.pop() ?? "") : "";
      phrases.push(before + phrase);
      isJoined = false;
    };
    while (at < packed.length) {
      const code = packed.charCodeAt(at);
      at += 1;
      if (code === spelled.charCodeAt(0)) {
        const end = packed.indexOf(spelled, at);
        take(packed.slice(at, end));
        at = end + 1;
      } else if (code === joined.charCodeAt(0)) {
        isJoined = true;
      } else if (code < firstLongCode) {
        take(this.#phrases[code - firstCode] ?? "");
      } else {
        const place = shortCodes + (code - firstLongCode) * 256 + packed.charCodeAt(at);
        take(this.#phrases[place] ?? "");
        at += 1;
      }
    }
    return phrases.join(",");
  }

  /** Of `"name":"value"` the name may be known. */
  #spelled(phrase: string): string {
    this.#notice(phrase);
    const cut = phrase.indexOf(':"') + 1;
    if (cut === 0) return spelled + phrase + spelled;
    const name = phrase.slice(0, cut);
    const code = this.#codes.get(name);
    if (code !== undefined) return code + joined + spelled + phrase.slice(cut) + spelled;
    this.#notice(name);
    return spelled + phrase + spelled;
  }

  /** A phrase that comes a second time is known from then on. */
  #notice(phrase: string): void {
    if (this.#phrases.length === maxPhrases) return;
    if (phrase.length > maxPhraseLength || time.test(phrase)) return;
    // A phrase is a part of the text that it was cut from, and would keep all of it.
    const own = flatText(phrase);
    if (this.#candidates.delete(own)) {
      this.#codes.set(own, codeOf(this.#phrases.length));
      this.#phrases.push(own);
      return;
    }
    if (this.#candidates.size === maxCandidates) this.#candidates.clear();
    this.#candidates.add(own);
  }
}

function codeOf(place: number): string {
  if (place < shortCodes) return String.fromCharCode(firstCode + place);
  const rest = place - shortCodes;
  return String.fromCharCode(firstLongCode + Math.floor(rest / 256), rest % 256);
}

/** A plain value, packed. */
export class Packed<T> {
  #phrases: Phrases;
  #text: string;

  /** Made by a `Packer`. */
  constructor(phrases: Phrases, text: string) {
    this.#phrases = phrases;
    this.#text = text;
  }

  /** Characters that it takes; a byte each where the value's characters are of Latin-1. */
  get length(): number {
    return this.#text.length;
  }

  /**
   * Whether it holds what another does; `json` is the other's. If so it goes to the other's book:
   * a book is kept as long as a value needs it.
   */
  isSame(other: Packed<T>, json: string): boolean {
    const isOfOneBook = this.#phrases === other.#phrases;
    if (isOfOneBook && this.#text === other.#text) return true;
    // What was learned meanwhile is kept otherwise.
    if (this.#phrases.unpacked(this.#text) !== json) return false;
    if (!isOfOneBook) {
      this.#phrases = other.#phrases;
      this.#text = other.#text;
    }
    return true;
  }

  /** The value, made anew with each call. Cost: 5 µs for 1 KB of JSON. */
  read(): T {
    const value: unknown = JSON.parse(this.#phrases.unpacked(this.#text));
    if (this.#wentIn(value)) return value;
    throw new Error("unreachable");
  }

  /** Only a packer makes the text. */
  #wentIn(value: unknown): value is T {
    return value !== undefined;
  }
}

/**
 * Packs values that look like one another, and learns how they do: anew, once what it knows is of
 * little use.
 */
export class Packer<T> {
  #phrases = new Phrases();

  /**
   * Packs a value. Cost: 8 µs for 1 KB of JSON.
   * @param value nothing in it but what JSON knows: what comes out is what went in.
   * @param known packed before: the answer, when it holds the same.
   */
  pack(value: T, known?: Packed<T>): Packed<T> {
    if (this.#phrases.isWorn) this.#phrases = new Phrases();
    const json = JSON.stringify(value);
    // A join is flat; adding up would keep every part.
    const parts = json.split(",").map((phrase) => this.#phrases.packed(phrase));
    const packed = new Packed<T>(this.#phrases, parts.join(""));
    return known?.isSame(packed, json) === true ? known : packed;
  }
}
