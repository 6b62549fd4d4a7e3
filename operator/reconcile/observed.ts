/**
 * What a reconcile is shown of the world: plain values, made by the controller from its caches and
 * from what sidecars report.
 *
 * Every `nowMs` and `…AtMs` here is Unix time in ms of a clock that never goes back (the time of
 * start plus a monotonic clock): the operator's own, so that two of them may be compared.
 */

/** A pod that a selector matches. */
export interface ObservedPod {
  readonly uid: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its deletion has begun. */
  readonly deleted: boolean;
  /** It succeeded or failed: nothing in it runs again. */
  readonly ended: boolean;
  /** Nothing in it has run yet: it holds no work. */
  readonly pending: boolean;
  /** It carries a sidecar. */
  readonly injected: boolean;
  readonly createdAtMs: number;
  /** It carries the operator's mark to be removed first (`markPod`). */
  readonly removedFirst: boolean;
}

/** Items by state, as a queue reports them. */
export interface ItemCounts {
  readonly ready: number;
  readonly delayed: number;
  readonly leased: number;
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
}

/** What a sidecar says of its queue of one Demand. */
export interface QueueReport {
  readonly items: ItemCounts;
  /** How long the oldest ready item is ready; absent when none is. */
  readonly oldestReadyMs?: number;
  /** Node ids of the connected providers. */
  readonly providers: readonly string[];
  /** Providers missing to desiredProviders. */
  readonly deficit: number;
}

/** What a sidecar says of one Capability. */
export interface PoolReport {
  /** Queues joined. */
  readonly connections: number;
  /** Items that its application works on. */
  readonly running: number;
}

/** What a sidecar took over of an object. */
export interface Acknowledged {
  /** metadata.generation. */
  readonly generation: number;
  /** Why this generation is not in force, a sentence; absent when it is. */
  readonly refusal?: string;
}

/** What a sidecar reported last, since this leader started. */
export interface SidecarReport<Part> {
  /** When its last message came. */
  readonly receivedAtMs: number;
  /** Its control stream is open. */
  readonly connected: boolean;
  /** It was asked to take nothing more, its credit is 0, and nothing in it is worked on. */
  readonly quiesced: boolean;
  /** What probing multicast showed it; absent when it did not probe. */
  readonly multicastReachable?: boolean;
  /** What it took over of the object; absent when nothing yet. */
  readonly acknowledged?: Acknowledged;
  /** What it says of the object; absent when nothing yet. */
  readonly part?: Part;
}

/** A selected pod and what its sidecar says. */
export interface SelectedPod<Part> {
  readonly pod: ObservedPod;
  /** Absent: nothing was heard of it since this leader started. */
  readonly report?: SidecarReport<Part>;
}

/** What became of a contract. */
export type ContractState =
  | { readonly ok: true; readonly descriptorSet: string }
  | {
      readonly ok: false;
      /** What was not found and what to do, a sentence. */
      readonly problem: string;
    };

/** What every reconcile is shown. */
export interface Observed<Part> {
  /** Every pod of the namespace that the selector matches. */
  readonly pods: readonly SelectedPod<Part>[];
  readonly contract: ContractState;
  /** Since when this process is the leader. */
  readonly leaderSinceMs: number;
  /** The annotation that stops the operator for this object is set. */
  readonly reconcilePaused: boolean;
}
