/**
 * An item, its leases and what comes of it. States and what leaves them (design/work.md):
 * `ready` may be granted (grant → leased; cancel → cancelled; deadline → expired; late complete →
 * done) · `delayed` waits for its time (time → ready; and as ready) ·
 * `leased` one provider holds it (complete → done; fail, lapse → delayed or dead; reject → dead;
 * release, lapse before the start → ready; cancel → cancelled; deadline → expired) ·
 * `done`, `dead`, `cancelled`, `expired` are ends; only `dead` can be driven again (→ ready).
 */
import type { SequenceMap } from "../sequence-map.ts";
import type { Lease } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import type { ApplicationObstacle } from "./application-obstacle.ts";

/** States of an item. */
export type ItemState = "ready" | "leased" | "delayed" | "done" | "dead" | "cancelled" | "expired";

/** Codes of system outcomes. */
export type SystemCode =
  | "CANCELLED"
  | "DEADLINE_EXCEEDED"
  | "ATTEMPTS_EXHAUSTED"
  | "DEMAND_REMOVED"
  | "SHUTDOWN";

/** An error that the application raised. */
export interface ApplicationErrorFacts {
  /** At most 64 characters. */
  readonly code: string;
  /** At most 4,096 characters. */
  readonly message: string;
  readonly retryable: boolean;
  /** JSON text of at most 16 KiB, or empty. */
  readonly details: string;
}

/** What a run of a ticket came to: exactly one of the three. */
export type Outcome =
  | { readonly run: number; readonly kind: "result"; readonly result: Uint8Array }
  | { readonly run: number; readonly kind: "error"; readonly error: ApplicationErrorFacts }
  | {
      readonly run: number;
      readonly kind: "system";
      readonly system: { readonly code: SystemCode; readonly message: string };
    };

/** An item as its producer sees it. Times are those of the engine's clock. */
export interface ItemSnapshot {
  readonly sequence: number;
  readonly ticket: string;
  readonly state: ItemState;
  readonly acquired: number;
  readonly failed: number;
  readonly priority: number;
  readonly createdAtMs: number;
  /** When a delayed item becomes ready. */
  readonly delayedUntilMs: number | undefined;
  /** Node that holds it or held it last. */
  readonly provider: string | undefined;
  readonly submitter: string | undefined;
  readonly outcome: Outcome | undefined;
}

/** How a delivery ended; `lapsed` by time or loss, so that a late complete may still count. */
export type LeaseEnd = "complete" | "fail" | "reject" | "release" | "lapsed" | "withdrawn";

/**
 * One delivery of one item to one provider. Live while the item is `leased` and this is its lease.
 */
export interface ItemLease {
  /** The name both sides use; its delivery number grows with each grant of the item. */
  readonly wire: Lease;
  readonly provider: DemandProvider;
  /** Set by STARTED; only then does its end count as a failed attempt. */
  started: boolean;
  /** Ends at this time unless renewed. */
  untilMs: number;
  /** Ends at this time in any case; Infinity before the start. */
  runtimeUntilMs: number;
  /** Ends at this time unless progress is reported; Infinity when off. */
  progressUntilMs: number;
  /** Undefined exactly while it is live. */
  end: LeaseEnd | undefined;
  /** The delivery before, one deep: copies of its verb are still known. */
  previous: ItemLease | undefined;
}

/** One node's Capability as a demand knows it, in one incarnation. */
export interface DemandProvider {
  readonly nodeId: NodeId;
  readonly capability: string;
  readonly incarnation: Incarnation;
  /** Its open link; undefined while the transport is lost. */
  link: number | undefined;
  /** True while it counts towards maxProviders. Invariant: only with a link. */
  admitted: boolean;
  /** Items whose live lease it holds, by their sequences. */
  readonly leased: SequenceMap<Item>;
  rttMs: number | undefined;
  /** Worker slots, as its last Hello said. */
  slots: number;
  /** What keeps its application from taking items, as it said; for explanations. */
  obstacle: ApplicationObstacle | undefined;
}

/** What is fixed when an item is accepted. */
export interface ItemFacts {
  readonly sequence: number;
  readonly ticket: string;
  readonly priority: number;
  /** Whole ms. */
  readonly createdAtMs: number;
  /** Infinity: none. */
  readonly deadlineAtMs: number;
  readonly orderingKey: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Digest of the request, for copies with the same idempotency key; 0 without a key. */
  readonly digest: number;
  readonly traceparent: string;
  readonly submitter: string | undefined;
}

/** An item that may be granted, now or after a redrive. Only `ItemStore` changes `state`. */
export class Item implements ItemFacts {
  readonly sequence: number;
  readonly ticket: string;
  readonly priority: number;
  readonly createdAtMs: number;
  readonly deadlineAtMs: number;
  readonly orderingKey: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly digest: number;
  readonly traceparent: string;
  readonly submitter: string | undefined;
  readonly request: Uint8Array;
  state: ItemState = "ready";
  acquired = 0;
  failed = 0;
  run = 1;
  /** Deliveries so far. */
  delivery = 0;
  /** The latest delivery. Invariant: its end is undefined exactly while state is `leased`. */
  lease: ItemLease | undefined;
  /** Place among items of its priority, given when it first became ready; kept for ever. */
  order = 0;
  readySinceMs = 0;
  /** Meaningful while `delayed`. */
  delayedUntilMs = 0;
  outcome: Outcome | undefined;
  /** Number of the outcome in the queue's log; 0 before the first. */
  outcomeNumber = 0;
  /** Places in the two heaps; -1 outside. */
  readyIndex = -1;
  timerIndex = -1;
  /** When the timer heap looks at it; may be earlier than needed, never later. */
  dueMs = Infinity;

  constructor(facts: ItemFacts, request: Uint8Array) {
    this.sequence = facts.sequence;
    this.ticket = facts.ticket;
    this.priority = facts.priority;
    this.createdAtMs = facts.createdAtMs;
    this.deadlineAtMs = facts.deadlineAtMs;
    this.orderingKey = facts.orderingKey;
    this.idempotencyKey = facts.idempotencyKey;
    this.digest = facts.digest;
    this.traceparent = facts.traceparent;
    this.submitter = facts.submitter;
    this.request = request;
  }
}
