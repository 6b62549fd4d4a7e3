/**
 * What the application API asks of the node. The HTTP routes call it, the embedded SDK calls it;
 * the node implements it. Payloads are bytes: JSON ↔ binary happens at the HTTP edge.
 */
import type { ResolvedContract } from "../wire/contract.ts";
import type { ProblemCode, Refusal } from "./problem-code.ts";
import type { ReasonCode } from "./reason-code.ts";

/** An expected refusal is returned, not thrown. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** States of an item (design: work, item states). */
export type ItemState = "ready" | "leased" | "delayed" | "done" | "dead" | "cancelled" | "expired";

/** How an item is to be handled. All durations in ms, relative to now. */
export interface AddOptions {
  /** The same key gives the same ticket. 1 … 256 visible ASCII characters; absent: none. */
  readonly idempotencyKey?: string;
  /** 0 … 9, 9 most urgent. @default 4 */
  readonly priority?: number;
  /** Not granted before, 0 … 7 days. @default 0 */
  readonly delayMs?: number;
  /** Must have a result within this, up to 7 days; checked at grant and at result. Absent: none. */
  readonly deadlineMs?: number;
  /** Items of different keys take turns inside a priority. As idempotencyKey; absent: one key. */
  readonly fairnessKey?: string;
  /** At most one item in flight per key, in order. As idempotencyKey; absent: no order. */
  readonly orderingKey?: string;
  /** W3C trace context that travels with the item; absent: none. */
  readonly traceparent?: string;
  /** Who added it: outcome streams can be narrowed to one submitter. */
  readonly submitter?: string;
}

/** An error of the application that did the work. */
export interface ApplicationErrorView {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** JSON text, or empty. */
  readonly details: string;
}

/** What a run of a ticket came to: exactly one of the three. */
export type OutcomeView =
  | { readonly run: number; readonly kind: "result"; readonly result: Uint8Array }
  | { readonly run: number; readonly kind: "error"; readonly error: ApplicationErrorView }
  | {
      readonly run: number;
      readonly kind: "system";
      /** `CANCELLED`, `DEADLINE_EXCEEDED`, `ATTEMPTS_EXHAUSTED`, `QUEUE_FULL`, … */
      readonly system: { readonly code: string; readonly message: string };
    };

/** An item as its producer sees it. */
export interface ItemView {
  readonly ticket: string;
  readonly demand: string;
  readonly state: ItemState;
  readonly attempts: { readonly acquired: number; readonly failed: number };
  readonly priority: number;
  /** Wall clock, ms since 1970. */
  readonly createdAtMs: number;
  /** Node id of the provider that holds or finished it. */
  readonly provider?: string;
  readonly outcome?: OutcomeView;
}

/** Which items of a demand are listed. */
export interface ItemsQuery {
  /** 1 … 1,000. */
  readonly limit: number;
  /** Absent: of every state. */
  readonly state?: ItemState;
  /** Ticket of the last item of the page before; it need not be known any more. */
  readonly after?: string;
}

/** A part of a demand's items. */
export interface ItemsPage {
  /** In the order in which they were added. */
  readonly items: readonly ItemView[];
  /** Whether others follow the last of them. */
  readonly more: boolean;
}

/** Why an item is where it is. */
export interface ExplanationView {
  readonly state: ItemState;
  /** The nearest first. Empty in the moment between two turns of its queue. */
  readonly reasons: readonly {
    readonly code: ReasonCode;
    /** One clause for a person. */
    readonly message: string;
    /** What the message says, by name. */
    readonly facts: { readonly [name: string]: string | number | boolean };
  }[];
}

/** Items of a demand by state. */
export type CountsByState = { readonly [S in ItemState]: number };

/** A connected provider as its demand sees it. */
export interface ProviderView {
  readonly id: string;
  readonly rttMs?: number;
  readonly leased: number;
  readonly credit: number;
}

/** A demand of this node. */
export interface DemandView {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly counts: CountsByState;
  readonly oldestReadySeconds: number;
  readonly desiredProviders: number;
  readonly maxProviders: number;
  /** Providers missing to reach desired. */
  readonly deficit: number;
  readonly providers: readonly ProviderView[];
  readonly paused: boolean;
}

/** A link of a capability to a demand. */
export interface CapabilityLinkView {
  readonly demand: string;
  readonly node: string;
  /** `joined`, `asking`, `full`, `incompatible`, `draining`. */
  readonly state: string;
  readonly score?: number;
  readonly rttMs?: number;
  /** Why it is not joined, one sentence. */
  readonly reason?: string;
}

/** A capability of this node. */
export interface CapabilityView {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly running: number;
  readonly slots: number;
  readonly demands: readonly CapabilityLinkView[];
  /** Why the application gets nothing, one sentence; absent when it can. */
  readonly notDelivering?: string;
}

/** An item as its provider gets it. */
export interface PulledItem {
  readonly ticket: string;
  /** Opaque; names the delivery in the four verbs. */
  readonly lease: string;
  readonly attempt: number;
  readonly request: Uint8Array;
  /** What remains of the item's deadline. */
  readonly deadlineMs?: number;
  readonly traceparent?: string;
}

/** The four verbs, and the heartbeat. */
export type LeaseVerb =
  | { readonly verb: "complete"; readonly result: Uint8Array }
  | { readonly verb: "fail"; readonly error: ApplicationErrorView; readonly delayMs?: number }
  | { readonly verb: "reject"; readonly error: ApplicationErrorView }
  | { readonly verb: "release"; readonly reason: string }
  | { readonly verb: "heartbeat"; readonly progress?: string };

/** Answer to a verb that took effect. */
export interface VerbResult {
  readonly state: ItemState;
  /** The producer cancelled the item: stop. */
  readonly cancelled: boolean;
}

/** One outcome on an outcome stream. */
export interface OutcomeEvent {
  /** Resumes a stream after this event. Opaque, at most 64 characters. */
  readonly id: string;
  readonly item: ItemView;
}

/** Ends a subscription; extra calls are harmless. */
export type Unsubscribe = () => void;

/** The producer's half. */
export interface ProducerService {
  demands(): readonly DemandView[];
  demand(name: string): Result<DemandView>;
  /**
   * Adds an item. With overflow `wait` it resolves when there is room or `signal` aborts.
   * Refusals: UNKNOWN_DEMAND, QUEUE_FULL, PAYLOAD_TOO_LARGE, IDEMPOTENCY_CONFLICT, DRAINING, …
   */
  add(
    demand: string,
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>>;
  /** Refusals: UNKNOWN_TICKET, QUEUE_LOST, TICKET_ELSEWHERE. */
  item(ticket: string): Result<ItemView>;
  /**
   * Items of a demand that its queue knows. Cost: a walk of the queue.
   * Refusals: UNKNOWN_DEMAND, INVALID_ARGUMENT when `after` is no ticket of this node's.
   */
  items(demand: string, query: ItemsQuery): Result<ItemsPage>;
  /** Why the item is not moving. Refusals: as `item`. */
  explain(ticket: string): Result<ExplanationView>;
  /**
   * Resolves when the item has an outcome, after `waitMs`, or when `signal` aborts: whichever is
   * first.
   */
  waitForItem(ticket: string, waitMs: number, signal?: AbortSignal): Promise<Result<ItemView>>;
  /** Idempotent. Refusals as `item`, and ALREADY_ENDED. */
  cancel(ticket: string): Promise<Result<ItemView>>;
  /**
   * Every outcome of a demand from now on, or from after `afterId` as far as outcomes are kept.
   * @param options.submitter only outcomes of items added with this submitter.
   * @param listener must not block; called in order.
   */
  subscribeOutcomes(
    demand: string,
    options: { readonly submitter?: string; readonly afterId?: string },
    listener: (event: OutcomeEvent) => void,
  ): Result<Unsubscribe>;
}

/** What keeps an application that items are pushed to from taking any. */
export interface ApplicationObstacle {
  readonly kind: "notListening" | "notReady";
  readonly port: number;
  /** One clause for a person. */
  readonly detail: string;
}

/** The provider's half. */
export interface ProviderService {
  capabilities(): readonly CapabilityView[];
  capability(name: string): Result<CapabilityView>;
  /**
   * Takes up to `max` items, waiting up to `waitMs` for the first. When `signal` aborts before the
   * answer, what was taken goes back without an attempt counted.
   */
  pull(
    capability: string,
    options: { readonly max: number; readonly waitMs: number; readonly presence?: string },
    signal?: AbortSignal,
  ): Promise<Result<readonly PulledItem[]>>;
  /**
   * The capability that got this lease, for its contract; undefined when the lease is not known.
   */
  capabilityOfLease(lease: string): string | undefined;
  /**
   * Refusals: STALE_LEASE, UNKNOWN_LEASE, INVALID_PAYLOAD. Resolves once the demand has recorded
   * it.
   */
  settle(lease: string, verb: LeaseVerb): Promise<Result<VerbResult>>;
  /**
   * Announces an application process: leases of pulls that name it are renewed by the sidecar until
   * `close`, which ends them as failed attempts (started) or releases them.
   */
  openPresence(capability: string): Result<{ readonly id: string; readonly close: () => void }>;
  /**
   * Demands are told of it, to explain; undefined: nothing any more. An unknown capability is
   * ignored.
   */
  tellObstacle(capability: string, obstacle: ApplicationObstacle | undefined): void;
  /** Calls `listener` when the producer cancels an item or a lease is lost, until unsubscribed. */
  onLeaseEnded(lease: string, listener: (reason: string) => void): Unsubscribe;
}

/** A peer as `GET /v1/peers` shows it. */
export interface PeerView {
  readonly id: string;
  readonly addresses: readonly string[];
  /** `multicast`, `static`, … */
  readonly sources: readonly string[];
  readonly connected: boolean;
  readonly rttMs?: number;
  readonly lanes?: number;
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  /** Why it is not connected, one sentence. */
  readonly notConnected?: string;
}

/** Operations. */
export interface OperationsService {
  peers(): readonly PeerView[];
  /** Not ready: each reason a sentence. */
  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Begins the drain, resolves when nothing is in flight or the grace is over. */
  drain(): Promise<void>;
}

/** Everything behind the API of one sidecar. */
export interface NodeService extends ProducerService, ProviderService, OperationsService {
  /**
   * False until the first configuration: every call of the application API answers
   * NOT_CONFIGURED.
   */
  readonly configured: boolean;
  /** The contract of a demand or capability of the configuration; the node keeps it resolved. */
  contractOf(kind: "demand" | "capability", name: string): ResolvedContract | undefined;
}

export type { ProblemCode, Refusal };
