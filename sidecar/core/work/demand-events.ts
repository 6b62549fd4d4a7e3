/**
 * Everything a DemandQueue may be told and everything it asks the outside to do.
 * Source: design/work.md; messages: proto/spillway/work/v1/work.proto.
 */
import type { ToDemand, ToProvider } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import type { DemandOptions } from "./demand-options.ts";
import type { ItemSnapshot, ItemState, SystemCode } from "./item.ts";
import type { WorkRefusal } from "./refusal.ts";

/** The node at the other end of a link, as the PeerSession proved it. */
export interface WorkPeer {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
}

/** What is sent and wanted; two sides with another hash are incompatible. */
export interface WorkContract {
  /** Full name of the request message. */
  readonly request: string;
  /** Full name of the response message. */
  readonly response: string;
  /** Canonical hash of both, SHA-256, 32 bytes. */
  readonly contractHash: Uint8Array;
}

/** How an item is to be handled. Durations in ms from now. */
export interface AddItemOptions {
  /**
   * The same key gives the same ticket while the item or its outcome is kept. 1 … 256 characters.
   */
  readonly idempotencyKey?: string;
  /** 0 … 9, 9 most urgent. Default 4. */
  readonly priority?: number;
  /** Not granted before. 0 … 7 days. */
  readonly delayMs?: number;
  /** Ends as `expired` after. 1 ms … 7 days. */
  readonly deadlineMs?: number;
  /** Not built yet: refused with INVALID_ARGUMENT. */
  readonly fairnessKey?: string;
  /** At most one in flight per key, in the order of becoming ready. 1 … 256 characters. */
  readonly orderingKey?: string;
  /** W3C trace context, at most 256 characters. */
  readonly traceparent?: string;
  /** Who added it, at most 256 characters; outcomes carry it. */
  readonly submitter?: string;
}

/** The only way into a DemandQueue. `call` is chosen by the caller, unique among its open calls. */
export type DemandInput =
  /**
   * Adds an item; answered by a `reply` of kind `added` or `refused` (at once, or with overflow
   * `wait` once there is room). `request` is kept: the caller never changes it again.
   */
  | {
      readonly type: "add";
      readonly call: number;
      readonly request: Uint8Array;
      readonly options: AddItemOptions;
    }
  /** The caller of a waiting `add` went away; no reply follows. Unknown calls are ignored. */
  | { readonly type: "addCancelled"; readonly call: number }
  /** Cancels; answered by `cancelled` (also when it was cancelled before) or `refused`. */
  | { readonly type: "cancel"; readonly call: number; readonly sequence: number }
  /** Starts run n + 1 of a dead item; answered by `redriven` or `refused`. */
  | { readonly type: "redrive"; readonly call: number; readonly sequence: number }
  /**
   * A peer opened a channel whose first message is a Hello that names this demand; that Hello
   * follows as a `message`. `link` is chosen by the caller and never used again.
   */
  | {
      readonly type: "linkOpened";
      readonly link: number;
      readonly peer: WorkPeer;
      readonly rttMs?: number;
    }
  /** A message of an open link; bytes inside are kept: the caller never changes them again. */
  | { readonly type: "message"; readonly link: number; readonly message: ToDemand }
  /**
   * The channel or its session ended. `clean`: the peer said that it ends (SessionEnd.clean with
   * code SHUTDOWN or DRAINING), so what it holds ends at once; false for every other code, also for
   * DUPLICATE_SESSION and SUPERSEDED, where the leases move to the next session.
   */
  | { readonly type: "linkLost"; readonly link: number; readonly clean: boolean }
  /** A new EWMA of the round trip to a node. For views only. */
  | { readonly type: "rtt"; readonly nodeId: NodeId; readonly rttMs: number }
  /** Grants nothing until `resume`. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** Options or contract of the running demand changed (`options.paused` is taken too). */
  | {
      readonly type: "configure";
      readonly contract: WorkContract;
      readonly options: DemandOptions;
    }
  /** Stop accepting; `drained` follows once nothing is pending (at once if so). */
  | { readonly type: "drain" }
  /** The demand ends now: every pending item ends with the system code given, links are closed. */
  | { readonly type: "close"; readonly code: SystemCode; readonly reason: string };

/** Answer to a call. */
export type DemandReply =
  | {
      readonly kind: "added";
      readonly ticket: string;
      readonly sequence: number;
      readonly state: ItemState;
      /** False when an idempotency key found an item that was there already. */
      readonly created: boolean;
    }
  | { readonly kind: "cancelled"; readonly sequence: number; readonly state: ItemState }
  | { readonly kind: "redriven"; readonly sequence: number; readonly state: ItemState }
  | { readonly kind: "refused"; readonly refusal: WorkRefusal };

/** The only way out of a DemandQueue; to be carried out in the order given. */
export type DemandEffect =
  | { readonly type: "send"; readonly link: number; readonly message: ToProvider }
  /** Close the channel; no `linkLost` is expected (one is harmless). */
  | { readonly type: "closeLink"; readonly link: number; readonly reason: string }
  | { readonly type: "reply"; readonly call: number; readonly reply: DemandReply }
  /**
   * A run of an item ended; its outcome is recorded and `queue.item(sequence)` shows it. Comes
   * before the `send` that acknowledges the provider.
   */
  | {
      readonly type: "outcome";
      /** Number of the outcome in this queue, from 1, no gaps. */
      readonly number: number;
      readonly sequence: number;
      /** As it is kept. */
      readonly item: ItemSnapshot;
    }
  /**
   * Wanted, admitted at most, or connected providers changed: announce again (rate-limited here).
   */
  | { readonly type: "providersChanged" }
  /** After `drain`: nothing is pending any more. */
  | { readonly type: "drained" };
