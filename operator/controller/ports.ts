/** What the loops need of the control stream; the server of `operator/control` is one. */
import type {
  AcknowledgedResource,
  QuiescedCapability,
  Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { PodAssignment } from "../control/index.ts";

/** What is known of a pod's sidecar since this process leads. Times are of the monotonic clock. */
export interface SidecarState {
  /** Its stream is open. */
  readonly attached: boolean;
  /** When `attached` became what it is, ms. */
  readonly sinceMs: number;
  /** How it is doing; undefined: not told yet. */
  readonly report: Report | undefined;
  /** When that came, ms. */
  readonly reportedAtMs: number;
  /** What is in force there, by uid; undefined: not told yet. */
  readonly acknowledged: ReadonlyMap<string, AcknowledgedResource> | undefined;
  /** What it confirmed of the QUIESCE that is in force, by uid. */
  readonly quiesced: ReadonlyMap<string, QuiescedCapability>;
}

/** The sidecars of the cluster, as the loops see them. */
export interface Sidecars {
  /** What selects a pod, whole; told to its sidecar when it differs from what it was told. */
  assign(assignment: PodAssignment): void;
  /** The pod is gone: its stream ends, nothing of it is kept. */
  release(podUid: string): void;
  /**
   * Capabilities of a pod that take nothing more, whole; empty: all work. What was confirmed of the
   * order before does not count any longer.
   * @param ttlMs all work again after this unless it is ordered anew.
   */
  quiesce(podUid: string, capabilityUids: readonly string[], ttlMs: number): void;
  /** Undefined for a pod that was never assigned. */
  stateOf(podUid: string): SidecarState | undefined;
  /** Calls back with a pod whose state changed; at once, and as often as that happens. */
  onChange(handler: (podUid: string) => void): void;
}
