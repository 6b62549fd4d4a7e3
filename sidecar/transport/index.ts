/**
 * How the node reaches other nodes. Entry: `CarrierTransport`, built from a carrier factory
 * (WebTransport or in-process). Invariant: nothing here knows of work, demands or tables; nothing a
 * peer sends ends the process.
 */
export type {
  ByteLane,
  Carrier,
  CarrierClose,
  CarrierFactory,
  CarrierListener,
  CertificateIdentity,
} from "./carrier.ts";
export { maxDataLanes } from "./carrier-session.ts";
export {
  CarrierTransport,
  type TransportComponents,
  type TransportOptions,
} from "./carrier-transport.ts";
export { MemoryNetwork, type MemoryNetworkOptions, type MemoryNode } from "./memory/index.ts";
export type {
  DialTarget,
  Lane,
  PeerIdentity,
  PeerSession,
  PeerTransport,
  SessionCloseCode,
  SessionEnd,
  SessionStats,
} from "./ports.ts";
export { TransportError, type TransportErrorCode } from "./transport-error.ts";
export { realTurns, type Turns } from "./turns.ts";
