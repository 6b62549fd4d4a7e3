/** Items that are over and cannot come back, in as little memory as their readers allow. */
import type { DemandProvider, Item, ItemLease, LeaseEnd, Outcome } from "./item.ts";
import { WorkError } from "./refusal.ts";

/** States that nothing leaves. */
export type FinalState = "done" | "cancelled" | "expired";

/**
 * What is kept of an item that is over. Ten thousand of them live at once, each longer than any
 * small garbage collection lets go by: one object instead of the item, its lease and its entry.
 */
export class EndedItem {
  readonly sequence: number;
  readonly state: FinalState;
  readonly run: number;
  readonly acquired: number;
  readonly failed: number;
  readonly priority: number;
  readonly createdAtMs: number;
  readonly idempotencyKey: string | undefined;
  readonly digest: number;
  readonly submitter: string | undefined;
  readonly outcome: Outcome;
  readonly outcomeNumber: number;
  /** When it ended, whole ms, rounded up. */
  readonly atMs: number;
  /** Who got the last delivery, its number and how it ended; undefined: it was never granted. */
  readonly provider: DemandProvider | undefined;
  readonly #delivery: number;
  readonly #end: LeaseEnd | undefined;
  readonly #previous: ItemLease | undefined;

  /** @param item in a final state, with its outcome. */
  constructor(item: Item, nowMs: number) {
    const { state, outcome, lease } = item;
    if (outcome === undefined || !isFinal(state)) {
      throw new WorkError("BROKEN_INVARIANT", `item ${String(item.sequence)} is not over`);
    }
    this.sequence = item.sequence;
    this.state = state;
    this.run = item.run;
    this.acquired = item.acquired;
    this.failed = item.failed;
    this.priority = item.priority;
    this.createdAtMs = item.createdAtMs;
    this.idempotencyKey = item.idempotencyKey;
    this.digest = item.digest;
    this.submitter = item.submitter;
    this.outcome = outcome;
    this.outcomeNumber = item.outcomeNumber;
    this.atMs = Math.ceil(nowMs);
    this.provider = lease?.provider;
    this.#delivery = lease?.wire.delivery ?? 0;
    this.#end = lease?.end;
    this.#previous = lease?.previous;
  }

  /** The delivery of this number, one of the last two. */
  deliveryOf(delivery: number): PastDelivery | undefined {
    if (this.provider !== undefined && this.#delivery === delivery) {
      return { provider: this.provider, end: this.#end };
    }
    const previous = this.#previous;
    return previous?.wire.delivery === delivery ? previous : undefined;
  }
}

/** A delivery that is over. */
export type PastDelivery = Pick<ItemLease, "provider" | "end">;

/** An item that the queue still knows. */
export type KnownItem = Item | EndedItem;

function isFinal(state: Item["state"]): state is FinalState {
  return state === "done" || state === "cancelled" || state === "expired";
}
