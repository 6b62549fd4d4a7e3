/** What the node says of itself when it is looked at; reports are made of it. */
import type { MulticastReachability } from "../../../proto/gen/spillway/control/v1/control_pb.ts";

/** Latencies measured since the node was looked at last. */
export interface LatencyStatus {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** One queue. */
export interface DemandStatus {
  readonly name: string;
  readonly counts: {
    readonly ready: number;
    readonly leased: number;
    readonly delayed: number;
    readonly done: number;
    readonly dead: number;
    readonly cancelled: number;
    readonly expired: number;
  };
  /** Age of the oldest ready item, ms; 0 when none is ready. */
  readonly oldestReadyMs: number;
  readonly queuedBytes: number;
  /** The greater of items and bytes, in thousandths of its bound. */
  readonly fillPermille: number;
  /** Node ids. */
  readonly connectedProviders: readonly string[];
}

/** One capability. */
export interface CapabilityStatus {
  readonly name: string;
  /** Slots in use. */
  readonly running: number;
  readonly slots: number;
  /** Deliveries that may still come. */
  readonly credit: number;
  /** Verbs that demands have not confirmed. */
  readonly unsettled: number;
  /** Node ids of the queues joined. */
  readonly joinedNodes: readonly string[];
  /** How long nothing has been held, ms; 0 while something is. */
  readonly idleMs: number;
  /** Why the application gets nothing, one sentence; empty when it can. */
  readonly notDelivering: string;
}

/** Where a peer listener is bound. */
export interface BoundPeerAddress {
  /** IP addresses, most preferred first, at most 4. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/** The node as a whole. */
export interface NodeStatus {
  readonly demands: readonly DemandStatus[];
  readonly capabilities: readonly CapabilityStatus[];
  readonly multicast: { readonly reachability: MulticastReachability; readonly message: string };
  /** Absent while the listener is not open. */
  readonly peerAddress?: BoundPeerAddress;
  readonly openSessions: number;
  readonly roundTrip: LatencyStatus;
  readonly draining: boolean;
  /** End of the certificate in use, ms since 1970; 0 without one. */
  readonly certificateNotAfterMs: number;
}
