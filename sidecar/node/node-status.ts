/** What the node says of itself to whoever reports it: a look at its queues, pools and sessions. */
import { MulticastReachability } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type {
  BoundPeerAddress,
  CapabilityStatus,
  DemandStatus,
  LatencyStatus,
  NodeStatus,
} from "../core/control/index.ts";
import type { Neighbour } from "../core/discovery/index.ts";
import type { CapabilityHost } from "./capability-host.ts";
import type { DemandHost } from "./demand-host.ts";
import type { Node } from "./node.ts";

/** Multicast as it was set up. */
export type MulticastSetup =
  /** The configuration does not ask for it. */
  | { readonly type: "off"; readonly reason: string }
  /** It announces and listens since a time. */
  | { readonly type: "on"; readonly sinceMs: number; readonly patienceMs: number };

/** What a look needs beside the node. */
export interface StatusFacts {
  readonly peerAddress: BoundPeerAddress;
  readonly multicast: MulticastSetup;
  readonly draining: boolean;
  readonly certificateNotAfterMs: number;
  readonly nowMs: number;
}

/** Looks at a node. Cost: a walk of its providers, links and neighbours. */
export function nodeStatus(node: Node, facts: StatusFacts): NodeStatus {
  const sessions = node.neighbourhood.sessions();
  return {
    demands: [...node.demands.hosts.values()].map(demandStatus),
    capabilities: [...node.capabilities.hosts.values()].map(capabilityStatus),
    multicast: multicastStatus(facts, node.neighbourhood.neighbours()),
    peerAddress: facts.peerAddress,
    openSessions: sessions.length,
    roundTrip: latencyOf(sessions.map(({ rttMs }) => rttMs).filter((ms) => ms !== undefined)),
    draining: facts.draining,
    certificateNotAfterMs: facts.certificateNotAfterMs,
  };
}

function demandStatus(host: DemandHost): DemandStatus {
  const { name, counts, oldestReadyMs, pendingItems, pendingBytes, providers } = host.snapshot();
  const { maxItems, maxBytes } = host.queueBounds;
  const fill = Math.max(pendingItems / maxItems, pendingBytes / maxBytes);
  return {
    name,
    counts,
    oldestReadyMs,
    queuedBytes: pendingBytes,
    fillPermille: Math.min(1_000, Math.round(fill * 1_000)),
    connectedProviders: [...new Set(providers.map(({ nodeId }) => nodeId))],
  };
}

function capabilityStatus(host: CapabilityHost): CapabilityStatus {
  const { name, running, slots, unsettled, idleMs, demands, notDelivering } = host.snapshot();
  const joined = demands.filter(({ state }) => state === "joined");
  return {
    name,
    running,
    slots,
    credit: joined.reduce((sum, { credit }) => sum + credit, 0),
    unsettled,
    idleMs,
    joinedNodes: [...new Set(joined.map(({ nodeId }) => nodeId))],
    notDelivering: notDelivering ?? "",
  };
}

/**
 * Measured, not assumed: an announcement of another node either came or did not. That none came
 * says something only once others are known by other sources and had time to announce themselves.
 */
function multicastStatus(
  { multicast, nowMs }: StatusFacts,
  neighbours: readonly Neighbour[],
): NodeStatus["multicast"] {
  const { OFF, REACHABLE, UNREACHABLE, UNKNOWN } = MulticastReachability;
  if (multicast.type === "off") return { reachability: OFF, message: multicast.reason };
  const heard = neighbours.filter(({ sources }) => sources.includes("multicast")).length;
  if (heard > 0) {
    return { reachability: REACHABLE, message: `${String(heard)} nodes are heard by multicast` };
  }
  if (neighbours.length === 0) {
    return { reachability: UNKNOWN, message: "no other node is known by any source" };
  }
  const known = String(neighbours.length);
  if (nowMs - multicast.sinceMs < multicast.patienceMs) {
    return {
      reachability: UNKNOWN,
      message: `${known} nodes are known; none had time to be heard`,
    };
  }
  return {
    reachability: UNREACHABLE,
    message: `${known} nodes are known by other sources; none is heard by multicast`,
  };
}

function latencyOf(timesMs: readonly number[]): LatencyStatus {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (part: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(sorted.length * part));
    return Math.round((sorted[index] ?? 0) * 1_000);
  };
  return { count: sorted.length, p50Us: at(0.5), p99Us: at(0.99) };
}
