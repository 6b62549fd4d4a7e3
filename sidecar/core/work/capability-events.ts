/**
 * Everything a CapabilityPool may be told and everything it asks the outside to do.
 * Source: design/work.md; messages: proto/spillway/work/v1/work.proto.
 */
import type { ToDemand, ToProvider } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import type { ApplicationObstacle } from "./application-obstacle.ts";
import type { CapabilityOptions } from "./capability-options.ts";
import type { WorkContract } from "./demand-events.ts";
import type { ApplicationErrorFacts, ItemState } from "./item.ts";
import type { WorkRefusal } from "./refusal.ts";

/** A demand of the capability's route, as announcements tell of it. */
export interface Candidate {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** Name of the demand. */
  readonly demand: string;
  /** Providers wanted. */
  readonly desired: number;
  /** Providers admitted at most. */
  readonly max: number;
  /** Providers connected when it was announced. */
  readonly connected: number;
  /** Round trip if it is known. */
  readonly rttMs?: number;
}

/** An item as the application gets it. Times are durations. */
export interface PulledWork {
  readonly ticket: string;
  /** Opaque; names the delivery in the verbs. */
  readonly lease: string;
  /** This attempt, from 1. */
  readonly attempt: number;
  readonly request: Uint8Array;
  /** What remained of the item's deadline when it came. */
  readonly deadlineMs?: number;
  readonly traceparent?: string;
}

/** The four verbs, and the heartbeat. Byte fields are kept: the caller never changes them again. */
export type WorkVerb =
  | { readonly verb: "complete"; readonly result: Uint8Array }
  | { readonly verb: "fail"; readonly error: ApplicationErrorFacts; readonly delayMs?: number }
  | { readonly verb: "reject"; readonly error: ApplicationErrorFacts }
  | { readonly verb: "release"; readonly reason: string }
  | { readonly verb: "heartbeat"; readonly progress?: string };

/**
 * The only way into a CapabilityPool. `call` is chosen by the caller, unique among its open calls.
 */
export type CapabilityInput =
  /** All demands of the route that are known now, own node included; replaces the list before. */
  | { readonly type: "candidates"; readonly candidates: readonly Candidate[] }
  /** A session with a node is open (for the own node: always; its links are in-process). */
  | { readonly type: "sessionUp"; readonly nodeId: NodeId; readonly incarnation: Incarnation }
  /** It ended, and every link to that node with it (no `linkLost` is needed). */
  | { readonly type: "sessionDown"; readonly nodeId: NodeId }
  /** A dial of a wanted node failed; the dialler goes on by its own backoff while it is wanted. */
  | { readonly type: "dialFailed"; readonly nodeId: NodeId }
  /** A message of an open link; bytes inside are kept: the caller never changes them again. */
  | { readonly type: "message"; readonly link: number; readonly message: ToProvider }
  /** The channel ended, or could not be opened. */
  | { readonly type: "linkLost"; readonly link: number }
  /** A new EWMA of the round trip to a node. */
  | { readonly type: "rtt"; readonly nodeId: NodeId; readonly rttMs: number }
  /**
   * The application asks for up to `max` items (1 … 1,000) and waits up to `waitMs` (0 … 300 s) for
   * the first; answered by `pulled` (possibly empty) or `refused`.
   */
  | {
      readonly type: "pull";
      readonly call: number;
      readonly max: number;
      readonly waitMs: number;
      readonly presence?: string;
    }
  /**
   * The caller of a waiting pull went away. When its reply was given already, the caller settles
   * each of its leases with `release`: no attempt is counted.
   */
  | { readonly type: "pullCancelled"; readonly call: number }
  /**
   * A verb for a lease of this pool; answered by `settled` or `refused` once the demand recorded
   * it.
   */
  | {
      readonly type: "verb";
      readonly call: number;
      readonly lease: string;
      readonly verb: WorkVerb;
    }
  /** An application process announced itself; the caller chose the id. */
  | { readonly type: "presenceOpened"; readonly presence: string }
  /** Its stream closed: its started leases fail, what it had not got is given to others. */
  | { readonly type: "presenceClosed"; readonly presence: string }
  /**
   * What keeps the application from taking items, or that nothing does any more. Demands are told,
   * so that they can explain; it changes no decision, for such an application does not pull.
   */
  | { readonly type: "obstacle"; readonly obstacle: ApplicationObstacle | undefined }
  /** Options or contract of the running capability changed. */
  | {
      readonly type: "configure";
      readonly contract: WorkContract;
      readonly options: CapabilityOptions;
    }
  /**
   * Take nothing new, or take items again; what is held goes on, and links stay. Once the snapshot
   * shows no credit, nothing running and nothing unsettled, nothing is on its way either.
   */
  | { readonly type: "quiesce"; readonly quiesced: boolean }
  /** Take nothing new; `drained` follows once nothing is held. */
  | { readonly type: "drain" }
  /** The grace is over: release the rest with this reason and leave every demand. */
  | { readonly type: "close"; readonly reason: string };

/** Why a lease ended other than by the application's own verb. */
export type LeaseEndReason = "CANCELLED" | "LEASE_LOST" | "QUEUE_LOST" | "DRAINING";

/** Answer to a call. */
export type CapabilityReply =
  | { readonly kind: "pulled"; readonly items: readonly PulledWork[] }
  /** `state` is the item's after the verb; `cancelled`: stop, the producer wants it no more. */
  | { readonly kind: "settled"; readonly state: ItemState; readonly cancelled: boolean }
  | { readonly kind: "refused"; readonly refusal: WorkRefusal };

/** The only way out of a CapabilityPool; to be carried out in the order given. */
export type CapabilityEffect =
  /** Keep (or get) sessions with exactly these nodes, as far as this pool is concerned. */
  | { readonly type: "want"; readonly nodeIds: readonly NodeId[] }
  /**
   * Open a channel to the node for the demand; `send`s follow at once. `link` is chosen by the
   * pool, never used again by it, and unique in it only. If it fails: `linkLost`.
   */
  | {
      readonly type: "openLink";
      readonly link: number;
      readonly nodeId: NodeId;
      readonly demand: string;
    }
  | { readonly type: "send"; readonly link: number; readonly message: ToDemand }
  /** Close the channel; no `linkLost` is expected (one is harmless). */
  | { readonly type: "closeLink"; readonly link: number; readonly reason: string }
  | { readonly type: "reply"; readonly call: number; readonly reply: CapabilityReply }
  /**
   * The application should stop working on it (`ctx.signal`). Its slot is free after its next verb.
   */
  | {
      readonly type: "leaseEnded";
      readonly lease: string;
      readonly reason: LeaseEndReason;
      /** One sentence for a person. */
      readonly detail: string;
    }
  /** After `drain` or `close`: nothing is held any more. */
  | { readonly type: "drained" };
