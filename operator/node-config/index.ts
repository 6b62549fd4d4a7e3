/**
 * What Demands and Capabilities become in a sidecar's configuration: the one place for it, used by
 * the control plane of one machine and by the cluster's.
 * Invariant: pure; knows neither files nor pods.
 */
export { capabilityConfig, demandConfig } from "./resource-config.ts";
export type { ConfigSource } from "./resource-config.ts";
