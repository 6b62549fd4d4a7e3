/**
 * The blob that opens every PeerSession, each way: "DHS1" | u16 LE flags = 0 | advertisement.
 * The u32 length in front of it on the lane is the transport's.
 */
import { type AdDecodeResult, adLimits, type CapabilityAd, decodeAd, encodeAd } from "./ad.ts";

const magic = [0x44, 0x48, 0x53, 0x31] as const;
const headerBytes = 6;

/** Greatest size of a blob that `encodeHandshake` makes; a receiver may refuse what is longer. */
export const maxHandshakeBytes = headerBytes + adLimits.maxAdBytes;

/**
 * Encodes the opening blob.
 * @throws {CapabilityError} as `encodeAd`.
 */
export function encodeHandshake(ad: CapabilityAd): Uint8Array {
  const body = encodeAd(ad);
  const bytes = new Uint8Array(headerBytes + body.length);
  bytes.set(magic, 0);
  bytes.set(body, headerBytes);
  return bytes;
}

/**
 * Decodes the opening blob. Fewer than 6 bytes are `TRUNCATED` before the magic is looked at; a
 * wrong magic or any flag is `BAD_MAGIC`; then as `decodeAd`. Never throws.
 */
export function decodeHandshake(bytes: Uint8Array): AdDecodeResult {
  if (bytes.length < headerBytes) return { ok: false, error: { code: "TRUNCATED" } };
  const flagged = bytes[4] !== 0 || bytes[5] !== 0;
  if (flagged || magic.some((byte, i) => bytes[i] !== byte)) {
    return { ok: false, error: { code: "BAD_MAGIC" } };
  }
  return decodeAd(bytes.subarray(headerBytes));
}
