/**
 * Capsules of WebTransport over HTTP/2 as the package writes them: type, length and fields are QUIC
 * variable-length integers (RFC 9000 §16; draft-ietf-webtrans-http2). Everything here is Numbers
 * over plain bytes: the package's own codec makes BigInts and log strings for each capsule.
 */

/** Capsule types that we read or write; others are skipped. */
export const capsuleType = {
  resetStream: 0x190b4d39,
  stopSending: 0x190b4d3a,
  streamData: 0x190b4d3b,
  streamDataEnd: 0x190b4d3c,
  maxData: 0x190b4d3d,
  maxStreamData: 0x190b4d3e,
  closeSession: 0x2843,
} as const;

/** Longest header of a stream-data capsule: type (4), length (8), stream id below 16,384 (2). */
export const maxDataHeaderBytes = 14;

/** Longest header of any capsule we read: type, length and stream id of 8 bytes each. */
const maxHeaderBytes = 24;
/**
 * Longest body we keep: a close has a code (4) and at most 1,024 bytes of reason (the draft §6.12).
 */
const maxBodyBytes = 4 + 1024;

/** What a peer's bytes said. A method may call `stop`; nothing more is told after it. */
export interface CapsuleHandler {
  /** Bytes of a stream, in order. The view is valid only during the call and may be empty. */
  streamData(id: number, bytes: Uint8Array): void;
  /** The peer ended the stream, by its last capsule or by a reset. */
  streamEnd(id: number): void;
  /** The peer wants no more bytes of the stream. */
  stopSending(id: number): void;
  /** Bytes that may be sent in the session, counted from its begin. */
  maxData(limitBytes: number): void;
  /** Bytes that may be sent on the stream, counted from its begin. */
  maxStreamData(id: number, limitBytes: number): void;
  /** The peer closes the session. */
  closeSession(code: number, reason: string): void;
  /** The bytes are no capsules; nothing after them can be read. */
  malformed(reason: string): void;
}

/** @returns bytes of `value` as a variable-length integer: 1, 2, 4 or 8. */
export function varintBytes(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  return value < 0x4000_0000 ? 4 : 8;
}

/**
 * Writes a variable-length integer.
 * @param value 0 … 2^53 − 1.
 * @returns the offset behind it.
 */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  const bytes = varintBytes(value);
  const mark = bytes === 1 ? 0 : bytes === 2 ? 0x40 : bytes === 4 ? 0x80 : 0xc0;
  let rest = value;
  for (let at = offset + bytes - 1; at >= offset; at -= 1) {
    target[at] = rest & 0xff;
    // Not a shift: above 2^31 that would cut bits off.
    rest = Math.floor(rest / 256);
  }
  target[offset] = (target[offset] ?? 0) | mark;
  return offset + bytes;
}

/** @returns bytes of the header that goes before `payloadBytes` of stream `id`. */
export function dataHeaderBytes(id: number, payloadBytes: number): number {
  const idBytes = varintBytes(id);
  return 4 + varintBytes(idBytes + payloadBytes) + idBytes;
}

/**
 * Writes the header that goes before `payloadBytes` of stream `id`;
 * @returns the offset behind it.
 */
export function writeDataHeader(
  target: Uint8Array,
  offset: number,
  data: { readonly id: number; readonly payloadBytes: number },
): number {
  const afterType = writeVarint(target, offset, capsuleType.streamData);
  const length = varintBytes(data.id) + data.payloadBytes;
  return writeVarint(target, writeVarint(target, afterType, length), data.id);
}

/** @returns a capsule whose body is integers only. */
export function encodeCapsule(type: number, fields: readonly number[]): Uint8Array {
  const length = fields.reduce((sum, field) => sum + varintBytes(field), 0);
  const capsule = new Uint8Array(varintBytes(type) + varintBytes(length) + length);
  let offset = writeVarint(capsule, writeVarint(capsule, 0, type), length);
  for (const field of fields) offset = writeVarint(capsule, offset, field);
  return capsule;
}

/**
 * Where the reader stands. `header`: between capsules. `data`: inside a stream's bytes. `body`:
 * collecting a small capsule. `skip`: inside a capsule that means nothing to us. `stopped`: over.
 */
type ReaderState = "header" | "data" | "body" | "skip" | "stopped";

/**
 * Cuts a peer's bytes into capsules. Keeps at most one header or one small body, whatever the peer
 * sends; stream bytes are handed on as views into the chunk.
 */
export class CapsuleReader {
  readonly #handler: CapsuleHandler;
  #state: ReaderState = "header";
  #type = 0;
  #streamId = 0;
  #remaining = 0;
  /** First bytes of a header that a chunk's end cut. */
  readonly #partial = new Uint8Array(maxHeaderBytes);
  #partialBytes = 0;
  #body = new Uint8Array(0);
  #bodyBytes = 0;
  /** Offset behind what `#readVarint` and `#readHeader` read last. */
  #cursor = 0;

  constructor(handler: CapsuleHandler) {
    this.#handler = handler;
  }

  /** Reads no further: the session is over. */
  stop(): void {
    this.#state = "stopped";
  }

  /** Reads what came, whatever its boundaries. Never throws on account of the bytes. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    const end = chunk.length;
    while (offset < end && this.#state !== "stopped") {
      if (this.#state === "header") {
        offset = this.#pushHeader(chunk, offset);
        continue;
      }
      const take = Math.min(this.#remaining, end - offset);
      this.#remaining -= take;
      if (this.#state === "data") {
        this.#handler.streamData(this.#streamId, chunk.subarray(offset, offset + take));
      } else if (this.#state === "body") {
        this.#body.set(chunk.subarray(offset, offset + take), this.#bodyBytes);
        this.#bodyBytes += take;
      }
      offset += take;
      if (this.#remaining === 0) this.#finishCapsule();
    }
  }

  /** Reads a header at `offset`, or keeps its begin; @returns the offset behind what was used. */
  #pushHeader(chunk: Uint8Array, offset: number): number {
    if (this.#partialBytes === 0) {
      if (this.#readHeader(chunk, offset, chunk.length)) return this.#beginCapsule(this.#cursor);
      if (this.#isStopped()) return chunk.length;
      this.#partial.set(chunk.subarray(offset));
      this.#partialBytes = chunk.length - offset;
      return chunk.length;
    }
    const had = this.#partialBytes;
    const take = Math.min(maxHeaderBytes - had, chunk.length - offset);
    this.#partial.set(chunk.subarray(offset, offset + take), had);
    if (this.#readHeader(this.#partial, 0, had + take)) {
      this.#partialBytes = 0;
      return this.#beginCapsule(offset + this.#cursor - had);
    }
    this.#partialBytes = had + take;
    return offset + take;
  }

  #beginCapsule(next: number): number {
    if (this.#remaining === 0) this.#finishCapsule();
    return next;
  }

  #finishCapsule(): void {
    const state = this.#state;
    if (state === "stopped") return;
    this.#state = "header";
    if (state === "data") {
      if (this.#type === capsuleType.streamDataEnd) this.#handler.streamEnd(this.#streamId);
    } else if (state === "body") {
      const body = this.#body.subarray(0, this.#bodyBytes);
      this.#bodyBytes = 0;
      this.#finishBody(this.#type, body);
    }
  }

  /**
   * Reads type, length and, of stream data, the id; sets the state for what follows.
   * @returns false when bytes are missing (or the header is malformed, which stops the reader).
   */
  #readHeader(source: Uint8Array, offset: number, end: number): boolean {
    const type = this.#readVarint(source, offset, end);
    if (type < 0) return false;
    const length = this.#readVarint(source, this.#cursor, end);
    if (length < 0) return false;
    this.#type = type;
    if (type === capsuleType.streamData || type === capsuleType.streamDataEnd) {
      const idBegin = this.#cursor;
      const id = this.#readVarint(source, idBegin, end);
      if (id < 0) return false;
      this.#remaining = length - (this.#cursor - idBegin);
      if (this.#remaining < 0) return this.#refuse("a stream capsule is shorter than its id");
      this.#streamId = id;
      this.#state = "data";
      // An empty capsule is how a stream is opened: its id must be told.
      if (this.#remaining === 0) this.#handler.streamData(id, source.subarray(0, 0));
      return true;
    }
    this.#remaining = length;
    if (!isKept(type)) {
      this.#state = "skip";
      return true;
    }
    if (length > maxBodyBytes) {
      return this.#refuse(`a capsule of ${length} bytes is longer than ${maxBodyBytes}`);
    }
    if (this.#body.length < length) this.#body = new Uint8Array(length);
    this.#state = "body";
    return true;
  }

  #finishBody(type: number, body: Uint8Array): void {
    if (type === capsuleType.closeSession) {
      if (body.length < 4) return void this.#refuse("a close capsule has no code");
      const view = new DataView(body.buffer, body.byteOffset, body.length);
      this.#handler.closeSession(view.getUint32(0), Buffer.from(body.subarray(4)).toString("utf8"));
      return;
    }
    const first = this.#readVarint(body, 0, body.length);
    if (first < 0) return void this.#refuse("a capsule has no first field");
    if (type === capsuleType.maxData) return void this.#handler.maxData(first);
    const second = this.#readVarint(body, this.#cursor, body.length);
    if (second < 0) return void this.#refuse("a capsule has no second field");
    if (type === capsuleType.maxStreamData) this.#handler.maxStreamData(first, second);
    else if (type === capsuleType.resetStream) this.#handler.streamEnd(first);
    else this.#handler.stopSending(first);
  }

  /** @returns the integer at `offset`, and its end in `#cursor`; −1 when bytes are missing. */
  #readVarint(source: Uint8Array, offset: number, end: number): number {
    if (offset >= end) return -1;
    const first = source[offset] ?? 0;
    const bytes = 1 << (first >> 6);
    if (offset + bytes > end) return -1;
    this.#cursor = offset + bytes;
    let value = first & 0x3f;
    for (let at = offset + 1; at < offset + bytes; at += 1) {
      value = value * 256 + (source[at] ?? 0);
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      this.#refuse("an integer is above 2^53");
      return -1;
    }
    return value;
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #refuse(reason: string): false {
    if (this.#state !== "stopped") {
      this.#state = "stopped";
      this.#handler.malformed(reason);
    }
    return false;
  }
}

function isKept(type: number): boolean {
  return (
    type === capsuleType.maxData ||
    type === capsuleType.maxStreamData ||
    type === capsuleType.closeSession ||
    type === capsuleType.resetStream ||
    type === capsuleType.stopSending
  );
}
