/**
 * A frame is u32 LE length | u8 type | varint channel | body, where the length counts what follows
 * it. Frames of the control lane have channel 0; those of data lanes have a channel from 1.
 */

/** First byte of a frame. */
export const frameType = {
  /** Control: SessionHello. */
  hello: 1,
  /** Control: Goodbye, the last frame. */
  goodbye: 2,
  /** Control: u32 LE number, to be answered with `pong`. */
  ping: 3,
  /** Control: the number of the ping. */
  pong: 4,
  /** Data: the channel begins. Its number is greater than every earlier one of that side. */
  open: 16,
  /** Data: the channel is over; what comes for it later is dropped. */
  close: 17,
  /** Data: a whole message. */
  message: 18,
  /** Data: varint total size | first part of a message. */
  first: 19,
  /** Data: next part of the message that `first` began. */
  next: 20,
  /** Data: varint bytes that may be sent in addition. */
  credit: 21,
} as const;

/** Bytes of the length word. */
export const lengthBytes = 4;

/** Greatest varint that we write or read: 32 bits in 5 bytes. */
export const maxVarintBytes = 5;

/** @returns bytes that an unsigned 32-bit integer takes as a varint, 1 … 5. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes an unsigned 32-bit integer (LEB128). @returns the position after it. */
export function writeVarint(target: Uint8Array, position: number, value: number): number {
  let rest = value;
  let at = position;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/**
 * Reads a varint that must end before `end`.
 * @returns the value; −1 when it is cut off, longer than needed or above 32 bits. Its size is
 *   `varintSize(value)`, since a longer spelling is refused.
 */
export function readVarint(source: Uint8Array, position: number, end: number): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < maxVarintBytes; i++) {
    const at = position + i;
    if (at >= end) return -1;
    const byte = source[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      const spelledLonger = byte === 0 && i > 0;
      return spelledLonger || value > 0xffff_ffff ? -1 : value;
    }
    factor *= 128;
  }
  return -1;
}

/** Writes an unsigned 32-bit integer, little-endian. */
export function writeU32(target: Uint8Array, position: number, value: number): void {
  target[position] = value & 0xff;
  target[position + 1] = (value >>> 8) & 0xff;
  target[position + 2] = (value >>> 16) & 0xff;
  target[position + 3] = value >>> 24;
}

/** Reads an unsigned 32-bit integer, little-endian; the caller has checked that it is there. */
export function readU32(source: Uint8Array, position: number): number {
  const low = (source[position] ?? 0) | ((source[position + 1] ?? 0) << 8);
  const high = (source[position + 2] ?? 0) | ((source[position + 3] ?? 0) << 8);
  return high * 0x1_0000 + low;
}
