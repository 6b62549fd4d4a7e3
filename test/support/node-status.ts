/** Looks at a node for tests of what is made of them. */
import { MulticastReachability } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type {
  CapabilityStatus,
  DemandStatus,
  NodeStatus,
} from "../../sidecar/core/control/index.ts";

const noItems = { ready: 0, leased: 0, delayed: 0, done: 0, dead: 0, cancelled: 0, expired: 0 };

/** A demand `jobs` with these items. */
export function demandStatus(
  counts: Partial<DemandStatus["counts"]> = {},
  connectedProviders: readonly string[] = [],
): DemandStatus {
  return {
    name: "jobs",
    counts: { ...noItems, ...counts },
    oldestReadyMs: 0,
    queuedBytes: 0,
    fillPermille: 0,
    connectedProviders,
  };
}

/** A capability `work` that rests with credit out. */
export function capabilityStatus(over: Partial<CapabilityStatus> = {}): CapabilityStatus {
  return {
    name: "work",
    running: 0,
    slots: 4,
    credit: 4,
    unsettled: 0,
    joinedNodes: [],
    idleMs: (over.running ?? 0) > 0 ? 0 : 1_000,
    notDelivering: "",
    ...over,
  };
}

/** A node with one of each. */
export function nodeStatus(over: Partial<NodeStatus> = {}): NodeStatus {
  return {
    demands: [demandStatus()],
    capabilities: [capabilityStatus()],
    multicast: { reachability: MulticastReachability.OFF, message: "" },
    openSessions: 0,
    roundTrip: { count: 0, p50Us: 0, p99Us: 0 },
    draining: false,
    certificateNotAfterMs: 1,
    ...over,
  };
}
