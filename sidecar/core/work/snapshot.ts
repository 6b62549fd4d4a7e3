/** What the engines show of themselves: plain values, made on demand, never kept by the engines. */
import type { NodeId } from "../ports.ts";
import type { ItemSnapshot, ItemState } from "./item.ts";

/** A connected provider as its demand sees it. */
export interface ProviderSnapshot {
  readonly nodeId: NodeId;
  readonly capability: string;
  readonly rttMs?: number;
  readonly leased: number;
  /** Deliveries it would take now. */
  readonly credit: number;
}

/** Items by state. */
export type ItemCounts = { readonly [S in ItemState]: number };

/** What a DemandQueue counted since it began. */
export interface DemandTotals {
  readonly added: number;
  readonly refused: number;
  readonly granted: number;
  /** Attempts that failed, by the application, by time or by loss. */
  readonly failed: number;
  /** Leases that ended by time. */
  readonly lapsed: number;
  readonly staleVerbs: number;
  /** Results of lapsed leases that were still accepted. */
  readonly lateCompletes: number;
  readonly deadLettersDropped: number;
  readonly outcomesDropped: number;
  /** Links closed because of a message that broke the protocol. */
  readonly malformed: number;
}

/** A DemandQueue. */
export interface DemandSnapshot {
  readonly name: string;
  readonly counts: ItemCounts;
  /** Ready, delayed and leased items and the bytes of their requests. */
  readonly pendingItems: number;
  readonly pendingBytes: number;
  /** Adds that wait for room. */
  readonly waiters: number;
  /** How long the oldest ready item has been ready; 0 when none is. */
  readonly oldestReadyMs: number;
  readonly desiredProviders: number;
  readonly maxProviders: number;
  /** Providers missing to reach desired. */
  readonly deficit: number;
  readonly providers: readonly ProviderSnapshot[];
  readonly paused: boolean;
  readonly draining: boolean;
  readonly totals: DemandTotals;
}

/** A page of items. */
export interface ItemPage {
  readonly items: readonly ItemSnapshot[];
  /** Pass as `after` for the next page; undefined at the end. */
  readonly next: number | undefined;
}

/** An outcome of the queue's log. */
export interface OutcomeEntry {
  /** From 1, no gaps over the life of the queue (dropped ones leave gaps in what is kept). */
  readonly number: number;
  readonly item: ItemSnapshot;
}

/** How far a link of a capability is. */
export type CapabilityLinkState =
  | "joined"
  | "asking"
  | "waiting"
  | "full"
  | "incompatible"
  | "draining";

/** A demand of the capability's route. */
export interface CapabilityLinkSnapshot {
  readonly demand: string;
  readonly nodeId: NodeId;
  readonly state: CapabilityLinkState;
  readonly score?: number;
  readonly rttMs?: number;
  /** Leases held of it. */
  readonly leased: number;
  /** Deliveries that may still come. */
  readonly credit: number;
  /** Why it is not joined, one sentence. */
  readonly reason?: string;
}

/** A CapabilityPool. */
export interface CapabilitySnapshot {
  readonly name: string;
  /** Slots in use. */
  readonly running: number;
  /** Slots in all. */
  readonly slots: number;
  readonly demands: readonly CapabilityLinkSnapshot[];
  readonly waitingPulls: number;
  readonly presences: number;
  /** Verbs that the demands have not confirmed. */
  readonly unsettled: number;
  /** How long nothing has been held; 0 while something is. */
  readonly idleMs: number;
  readonly quiesced: boolean;
  readonly draining: boolean;
  /** Why the application gets nothing, one sentence; absent when it can. */
  readonly notDelivering?: string;
}
