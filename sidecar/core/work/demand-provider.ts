import type { Incarnation, NodeId } from "../ports.ts";

/**
 * One node's Capability as a demand knows it, in one incarnation. Leases name it by identity, so a
 * restart of the node makes every older lease foreign.
 */
export interface DemandProvider {
  readonly nodeId: NodeId;
  readonly capability: string;
  readonly incarnation: Incarnation;
  /** Its open link; undefined while the transport is lost. */
  link: number | undefined;
  /** True while it counts towards maxProviders. Only with a link. */
  admitted: boolean;
  /** Live leases it holds. */
  leasedCount: number;
  rttMs: number | undefined;
}
