import type {
  PeerAddress,
  QuiesceConfirmation,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import type { ConfigPart } from "./desired-resource.ts";
import {
  type BoundedAssignment,
  boundAssignment,
  configSnapshot,
  type NamespaceTrust,
  type PodAssignment,
} from "./pod-assignment.ts";
import { RateBucket } from "../../sidecar/core/rate-bucket.ts";
import { selectAcknowledged, selectQuiesced, selectReport } from "./selected-report.ts";
import type { Session } from "./session.ts";
import type { SidecarState } from "./sidecar-state.ts";
import { SnapshotHistory } from "./snapshot-history.ts";

/** What is to be quiet, and until when. */
export interface QuiesceOrder {
  readonly sequence: bigint;
  readonly uids: ReadonlySet<string>;
  readonly untilMs: number;
}

/** Where a sidecar's peer listener is. */
export interface Endpoint {
  readonly address: PeerAddress;
  readonly incarnation: bigint;
}

const maxAddresses = 4;

/** A pod that the operator knows: what is wanted of its sidecar, and what that says. */
export class PodRecord {
  readonly config: SnapshotHistory<ConfigPart>;
  readonly certificates = new RateBucket({
    perSecond: 1_000 / controlLimits.certificateEveryMs,
    burst: controlLimits.certificateBurst,
  });
  #assignment: BoundedAssignment;
  #state: SidecarState;
  #quiesce: QuiesceOrder | undefined;
  /** Of the latest session. */
  #said: { readonly incarnation: bigint; readonly address: PeerAddress | undefined } | undefined;

  constructor(assignment: PodAssignment, trust: NamespaceTrust, nowMs: number) {
    this.#assignment = boundAssignment(assignment);
    this.config = new SnapshotHistory(configSnapshot(this.#assignment, trust));
    this.#state = {
      podUid: assignment.pod.uid,
      attached: false,
      sinceMs: nowMs,
      sidecarVersion: "",
      report: undefined,
      reportedAtMs: 0,
      acknowledged: undefined,
      quiesced: new Map(),
      droppedUids: this.#assignment.droppedUids,
    };
  }

  get assignment(): BoundedAssignment {
    return this.#assignment;
  }

  get state(): SidecarState {
    return this.#state;
  }

  /** The latest order, in force or not. */
  get quiesce(): QuiesceOrder | undefined {
    return this.#quiesce;
  }

  /**
   * Where the sidecar can be dialled, as it said last. Kept when its stream ends: that the pod is
   * gone, the API server says.
   */
  get endpoint(): Endpoint | undefined {
    const { ips } = this.#assignment.pod;
    const { address, incarnation = 0n } = this.#said ?? {};
    if (address === undefined) return undefined;
    if (ips.length === 0) return { address, incarnation };
    return { address: { ...address, addresses: ips.slice(0, maxAddresses) }, incarnation };
  }

  /** @returns whether the configuration differs from before. */
  assign(assignment: PodAssignment, trust: NamespaceTrust): boolean {
    this.#assignment = boundAssignment(assignment);
    this.#change({ droppedUids: this.#assignment.droppedUids });
    return this.trust(trust);
  }

  /** @returns whether the configuration differs from before. */
  trust(trust: NamespaceTrust): boolean {
    return this.config.push(configSnapshot(this.#assignment, trust));
  }

  /**
   * What a sidecar said before it was started anew does not count any more. What it confirmed
   * counts on its stream alone: on each it is told the order again, and answers it.
   */
  attached({ sidecarVersion, incarnation }: Session, nowMs: number): void {
    const isNew = this.#said?.incarnation !== incarnation;
    const forgotten = isNew ? { report: undefined, acknowledged: undefined } : {};
    const quiesced = new Map<string, never>();
    this.#change({ attached: true, sinceMs: nowMs, sidecarVersion, quiesced, ...forgotten });
  }

  detached(nowMs: number): void {
    this.#change({ attached: false, sinceMs: nowMs });
  }

  /**
   * Takes over what the session said last, as far as it selects the pod.
   * @returns uids of what it said and what does not.
   */
  listen(session: Session): readonly string[] {
    const { report, reportedAtMs, acknowledgement, peerAddress, incarnation } = session;
    this.#said = { address: peerAddress, incarnation };
    const refused: string[] = [];
    if (report !== undefined) {
      const { kept, refusedUids } = selectReport(report, this.#assignment.resources);
      this.#change({ report: kept, reportedAtMs });
      refused.push(...refusedUids);
    }
    if (acknowledgement !== undefined) {
      const { kept, refusedUids } = selectAcknowledged(acknowledgement, this.#assignment.resources);
      this.#change({ acknowledged: kept });
      refused.push(...refusedUids);
    }
    return refused;
  }

  /** @returns false for the confirmation of an order that is not in force. */
  confirmed(confirmation: QuiesceConfirmation, nowMs: number): boolean {
    const order = this.#quiesce;
    if (order?.sequence !== confirmation.sequence || order.untilMs <= nowMs) return false;
    this.#change({ quiesced: selectQuiesced(confirmation, order.uids) });
    return true;
  }

  /** A new order: what was confirmed of the one before does not count any more. */
  order(quiesce: QuiesceOrder): void {
    this.#quiesce = quiesce;
    this.#change({ quiesced: new Map() });
  }

  /**
   * Lets an order that is over go: what was confirmed of it is true no longer.
   * @returns whether anything was.
   */
  expire(nowMs: number): boolean {
    if ((this.#quiesce?.untilMs ?? Infinity) > nowMs || this.#state.quiesced.size === 0) {
      return false;
    }
    this.#change({ quiesced: new Map() });
    return true;
  }

  #change(change: Partial<SidecarState>): void {
    this.#state = { ...this.#state, ...change };
  }
}
