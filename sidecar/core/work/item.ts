/**
 * An item, its leases and what comes of it. States and what leaves them (design/work.md):
 * `ready` may be granted (grant → leased; cancel → cancelled; deadline → expired; late complete → done) ·
 * `delayed` waits for its time (time → ready; and as ready) ·
 * `leased` one provider holds it (complete → done; fail, lapse → delayed or dead; reject → dead;
 * release, lapse before the start → ready; cancel → cancelled; deadline → expired) ·
 * `done`, `dead`, `cancelled`, `expired` are ends; only `dead` can be driven again (→ ready).
 */
import type { DemandProvider } from "./demand-provider.ts";

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
  readonly delayedUntilMs?: number;
  /** Node that holds it or held it last. */
  readonly provider?: string;
  readonly submitter?: string;
  readonly outcome?: Outcome;
}

/** How a delivery ended; `lapsed` by time or loss, so that a late complete may still count. */
export type LeaseEnd = "complete" | "fail" | "reject" | "release" | "lapsed" | "withdrawn";

/** One delivery of one item to one provider. Live while the item is `leased` and this is its lease. */
export interface ItemLease {
  readonly delivery: number;
  readonly provider: DemandProvider;
  /** Set by STARTED; only then does its end count as a failed attempt. */
  started: boolean;
  /** Ends at this time unless renewed. */
  untilMs: number;
  /** Ends at this time in any case; Infinity before the start. */
  runtimeUntilMs: number;
  /** Ends at this time unless progress is reported; Infinity when off. */
  progressUntilMs: number;
  end: LeaseEnd | undefined;
  /** The delivery before, one deep: copies of its verb are still known. */
  previous: ItemLease | undefined;
}
