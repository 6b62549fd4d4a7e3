/**
 * Capability advertisement and negotiation. Entry: `CapabilityRegistry`.
 * Invariant: no IO, and no memory of earlier peers.
 */
export {
  type AdDecodeError,
  type AdDecodeResult,
  adLimits,
  adValues,
  type CapabilityAd,
  type CapabilityAdEntry,
  decodeAd,
  encodeAd,
} from "./ad.ts";
export { type Capability, orderedCapability, u32Capability } from "./capability.ts";
export { CapabilityError, type CapabilityErrorCode } from "./capability-error.ts";
export { decodeHandshake, encodeHandshake, maxHandshakeBytes } from "./handshake.ts";
export {
  Negotiated,
  type NegotiatedEntry,
  type NegotiationResult,
  negotiationMismatch,
  type NoCommonValue,
} from "./negotiation.ts";
export { CapabilityRegistry } from "./registry.ts";
