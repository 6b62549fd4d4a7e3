/**
 * The capability advertisement as bytes, all integers little-endian:
 * "CAP" 0x01 | u32 count | count × { u16 nameLen | ASCII name | u16 valueCount |
 * valueCount × { u32 len | bytes } }.
 * The decoder has the limits and the order of checks of the dynomite-engine 0.0.2 registry; the
 * encoder is stricter than that one, which silently clamped lengths.
 */
import { CapabilityError } from "./capability-error.ts";

/** One advertised capability: its name and encoded values, lowest to highest preference. */
export interface CapabilityAdEntry {
  readonly name: string;
  readonly values: readonly Uint8Array[];
}

/** What a node advertises. */
export interface CapabilityAd {
  readonly entries: readonly CapabilityAdEntry[];
}

/** Why bytes are no advertisement. `count` is the offending number: entries or a length. */
export type AdDecodeError =
  | { readonly code: "TRUNCATED" }
  | { readonly code: "BAD_MAGIC" }
  | { readonly code: "NON_ASCII_NAME" }
  | { readonly code: "TOO_MANY_ENTRIES"; readonly count: number };

/** A decoded advertisement or the reason why there is none. */
export type AdDecodeResult =
  | { readonly ok: true; readonly ad: CapabilityAd }
  | { readonly ok: false; readonly error: AdDecodeError };

/** Bounds of an advertisement; `maxAdBytes` is the encoder's (a receiver caps what it reads). */
export const adLimits = {
  maxEntries: 1024,
  maxNameBytes: 256,
  maxValueBytes: 16 * 1024,
  maxValues: 0xffff,
  maxAdBytes: 64 * 1024,
} as const;

/** "CAP" and the format version: both wrong alike for a reader of this version. */
const magic = [0x43, 0x41, 0x50, 0x01] as const;
const headerBytes = 8;

/**
 * Encodes an advertisement.
 * @returns a fresh buffer of exactly the encoded size, at most 64 KiB.
 * @throws {CapabilityError} `TOO_MANY_ENTRIES`, `TOO_MANY_VALUES`, `EMPTY_NAME`, `NAME_TOO_LONG`,
 *   `NON_ASCII_NAME`, `DUPLICATE_NAME`, `VALUE_TOO_LONG` or `AD_TOO_LARGE`.
 */
export function encodeAd(ad: CapabilityAd): Uint8Array {
  const bytes = new Uint8Array(checkedSizeBytes(ad));
  const view = new DataView(bytes.buffer);
  bytes.set(magic, 0);
  view.setUint32(4, ad.entries.length, true);
  let at = headerBytes;
  for (const entry of ad.entries) {
    view.setUint16(at, entry.name.length, true);
    at += 2;
    for (let i = 0; i < entry.name.length; i++) bytes[at + i] = entry.name.charCodeAt(i);
    at += entry.name.length;
    view.setUint16(at, entry.values.length, true);
    at += 2;
    for (const value of entry.values) {
      view.setUint32(at, value.length, true);
      bytes.set(value, at + 4);
      at += 4 + value.length;
    }
  }
  return bytes;
}

/**
 * Decodes an advertisement. Trailing bytes are ignored; a name that occurs twice is kept twice, and
 * `adValues` takes the last.
 * @param bytes from a peer; values are copied out of it.
 * @returns the advertisement, or a typed error. Never throws.
 */
export function decodeAd(bytes: Uint8Array): AdDecodeResult {
  if (bytes.length < headerBytes) return failed({ code: "TRUNCATED" });
  if (magic.some((byte, i) => bytes[i] !== byte)) return failed({ code: "BAD_MAGIC" });
  const cursor = new Cursor(bytes, magic.length);
  const count = cursor.u32();
  if (count === undefined) return failed({ code: "TRUNCATED" });
  if (count > adLimits.maxEntries) return failed({ code: "TOO_MANY_ENTRIES", count });
  const entries: CapabilityAdEntry[] = [];
  for (let i = 0; i < count; i++) {
    const entry = decodeEntry(cursor);
    if ("code" in entry) return failed(entry);
    entries.push(entry);
  }
  return { ok: true, ad: { entries } };
}

/** @returns the values of a name, those of its last occurrence; undefined when it is absent. */
export function adValues(ad: CapabilityAd, name: string): readonly Uint8Array[] | undefined {
  return ad.entries.findLast((entry) => entry.name === name)?.values;
}

/**
 * Checks a capability name.
 * @throws {CapabilityError} `EMPTY_NAME`, `NAME_TOO_LONG` or `NON_ASCII_NAME`.
 */
export function checkCapabilityName(name: string): void {
  if (name.length === 0) throw new CapabilityError("EMPTY_NAME", "a capability name is empty");
  if (name.length > adLimits.maxNameBytes) {
    const bound = `${name.length} characters, at most ${adLimits.maxNameBytes}`;
    throw new CapabilityError("NAME_TOO_LONG", `capability name: ${bound}`);
  }
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) > 0x7f) {
      throw new CapabilityError(
        "NON_ASCII_NAME",
        `capability name ${JSON.stringify(name)}: ASCII only`,
      );
    }
  }
}

/** Order of checks as in the seed: name length, name present, ASCII, then value by value. */
function decodeEntry(cursor: Cursor): CapabilityAdEntry | AdDecodeError {
  const nameLength = cursor.u16();
  if (nameLength === undefined) return { code: "TRUNCATED" };
  if (nameLength > adLimits.maxNameBytes) return { code: "TOO_MANY_ENTRIES", count: nameLength };
  const nameBytes = cursor.slice(nameLength);
  if (nameBytes === undefined) return { code: "TRUNCATED" };
  if (nameBytes.some((byte) => byte > 0x7f)) return { code: "NON_ASCII_NAME" };
  const valueCount = cursor.u16();
  if (valueCount === undefined) return { code: "TRUNCATED" };
  const values: Uint8Array[] = [];
  for (let i = 0; i < valueCount; i++) {
    const length = cursor.u32();
    if (length === undefined) return { code: "TRUNCATED" };
    if (length > adLimits.maxValueBytes) return { code: "TOO_MANY_ENTRIES", count: length };
    const value = cursor.slice(length);
    if (value === undefined) return { code: "TRUNCATED" };
    values.push(value);
  }
  return { name: String.fromCharCode(...nameBytes), values };
}

function checkedSizeBytes(ad: CapabilityAd): number {
  if (ad.entries.length > adLimits.maxEntries) {
    const bound = `${ad.entries.length} entries, at most ${adLimits.maxEntries}`;
    throw new CapabilityError("TOO_MANY_ENTRIES", `capability advertisement: ${bound}`);
  }
  const names = new Set<string>();
  let sizeBytes = headerBytes;
  for (const entry of ad.entries) {
    checkCapabilityName(entry.name);
    if (names.has(entry.name)) {
      throw new CapabilityError("DUPLICATE_NAME", `capability ${entry.name}: advertised twice`);
    }
    names.add(entry.name);
    sizeBytes += entrySizeBytes(entry);
  }
  if (sizeBytes > adLimits.maxAdBytes) {
    const bound = `${sizeBytes} bytes, at most ${adLimits.maxAdBytes}`;
    throw new CapabilityError("AD_TOO_LARGE", `capability advertisement: ${bound}`);
  }
  return sizeBytes;
}

function entrySizeBytes(entry: CapabilityAdEntry): number {
  if (entry.values.length > adLimits.maxValues) {
    const bound = `${entry.values.length} values, at most ${adLimits.maxValues}`;
    throw new CapabilityError("TOO_MANY_VALUES", `capability ${entry.name}: ${bound}`);
  }
  let sizeBytes = 2 + entry.name.length + 2;
  for (const value of entry.values) {
    if (value.length > adLimits.maxValueBytes) {
      const bound = `a value of ${value.length} bytes, at most ${adLimits.maxValueBytes}`;
      throw new CapabilityError("VALUE_TOO_LONG", `capability ${entry.name}: ${bound}`);
    }
    sizeBytes += 4 + value.length;
  }
  return sizeBytes;
}

function failed(error: AdDecodeError): AdDecodeResult {
  return { ok: false, error };
}

/** Reads forward; undefined where the bytes end too early. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  u16(): number | undefined {
    const at = this.#take(2);
    return at === undefined ? undefined : this.#view.getUint16(at, true);
  }

  u32(): number | undefined {
    const at = this.#take(4);
    return at === undefined ? undefined : this.#view.getUint32(at, true);
  }

  slice(length: number): Uint8Array | undefined {
    const at = this.#take(length);
    return at === undefined ? undefined : this.#bytes.slice(at, at + length);
  }

  #take(length: number): number | undefined {
    if (this.#bytes.length - this.#at < length) return undefined;
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
