import type {
  AcknowledgedResource,
  QuiescedCapability,
  Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";

/** What is known of one pod's sidecar; a value that never changes. Only what selects the pod. */
export interface SidecarState {
  readonly podUid: string;
  readonly attached: boolean;
  /** When `attached` became what it is, on the hub's clock. */
  readonly sinceMs: number;
  /** As the sidecar says; empty until it attached. */
  readonly sidecarVersion: string;
  /** The last report; kept when the sidecar goes. Undefined: none since this operator leads. */
  readonly report: Report | undefined;
  /** When it came, on the hub's clock. */
  readonly reportedAtMs: number;
  /** By uid; what is not there is not in force. Undefined: none since this operator leads. */
  readonly acknowledged: ReadonlyMap<string, AcknowledgedResource> | undefined;
  /** By uid of what `quiesce` asked for: what the sidecar confirmed since. */
  readonly quiesced: ReadonlyMap<string, QuiescedCapability>;
  /** Uids of resources that select the pod beyond the bound of 256 each: it is not told of them. */
  readonly droppedUids: readonly string[];
}
