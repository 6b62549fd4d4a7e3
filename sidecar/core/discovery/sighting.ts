/** What one source says of one node, whatever the source is. */
import type { DemandSummary } from "../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";

/**
 * Who can know of a node, most believed first: an open session with it, the operator, its own
 * announcements, other peers, the configuration.
 */
export const discoverySources = ["session", "control", "multicast", "gossip", "static"] as const;

/** One of the sources. */
export type DiscoverySource = (typeof discoverySources)[number];

/** Where a node's peer listener can be dialled. */
export interface Endpoint {
  /** IP address (an IPv6 one may carry its zone) or host name. */
  readonly host: string;
  readonly port: number;
}

/** A node as one source sees it. */
export interface Sighting {
  readonly nodeId: NodeId;
  /** Absent when the source cannot know it (static). */
  readonly incarnation?: Incarnation;
  /** Most preferred first; empty when the source knows none. */
  readonly endpoints: readonly Endpoint[];
  /** SHA-256 of the leaf certificate, lower-case hex; absent when unknown. */
  readonly fingerprint?: string;
  /** Absent when the source cannot know them: not the same as none. */
  readonly demands?: readonly DemandSummary[];
  /** How long it may be believed; Infinity for ever. */
  readonly ttlMs: number;
}

/** @returns true when both name the same demands with the same counts, in any order. */
export function sameDemands(
  a: readonly DemandSummary[] | undefined,
  b: readonly DemandSummary[] | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  const others = new Map(b.map((demand) => [demandKey(demand), demand]));
  return a.every((demand) => {
    const other = others.get(demandKey(demand));
    return (
      other !== undefined &&
      other.desiredProviders === demand.desiredProviders &&
      other.maxProviders === demand.maxProviders &&
      other.connectedProviders === demand.connectedProviders
    );
  });
}

/** @returns true when both hold the same endpoints, in any order. */
export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  const keys = new Set(a.map(endpointKey));
  return keys.size === new Set(b.map(endpointKey)).size && b.every((e) => keys.has(endpointKey(e)));
}

/** What makes a demand of a node one: its route and its name. */
export function demandKey(demand: DemandSummary): string {
  return `${demand.routeHash} ${demand.name}`;
}

/** What makes an endpoint one. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}
