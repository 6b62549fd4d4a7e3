/**
 * The sidecar's end of the control stream: what is held of the operator's word, when to ask, to
 * report, to renew. Entry: `ControlSession`.
 * Invariant: no sockets, files or keys; a lost stream changes nothing that is in force.
 */
export type {
  ConfigOutcome,
  ControlEffect,
  ControlIdentity,
  ControlInput,
  ControlNote,
  FreshToken,
  ResourceInForce,
  WholeConfig,
} from "./control-events.ts";
export { controlLimits } from "./control-limits.ts";
export { ControlSession, type ControlSessionOptions } from "./control-session.ts";
export { durationMs } from "./duration.ts";
export { HeldConfig, type StoredConfig } from "./held-config.ts";
export type {
  BoundPeerAddress,
  CapabilityStatus,
  DemandStatus,
  LatencyStatus,
  NodeStatus,
} from "./node-status.ts";
