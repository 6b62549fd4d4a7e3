/**
 * How a lease ends and what it counts as (design/work.md, the table "how a lease ends"), on the
 * store alone: no links, no messages.
 */
import type { Random } from "../ports.ts";
import type { DemandOptions } from "./demand-options.ts";
import type { ApplicationErrorFacts, Item, ItemLease, LeaseEnd, SystemCode } from "./item.ts";
import type { EndState, ItemStore } from "./item-store.ts";
import { backoffMs } from "./retry.ts";

/** Told of what the settlement decides. */
export interface SettlementListener {
  /** An outcome was recorded. */
  ended(item: Item): void;
  /** An attempt failed; `lapsed` by time or loss. */
  attemptFailed(lapsed: boolean): void;
}

/** What a failed attempt came to. */
export interface FailedAttempt {
  /** Of the application, or undefined when time or loss ended it. */
  readonly error: ApplicationErrorFacts | undefined;
  /** One sentence for the system outcome when attempts are used up. */
  readonly reason: string;
  /** Overrides the backoff. */
  readonly delayMs: number | undefined;
}

/** Applies ends of leases and of items. */
export class Settlement {
  readonly #store: ItemStore;
  readonly #random: Random;
  readonly #listener: SettlementListener;

  constructor(store: ItemStore, random: Random, listener: SettlementListener) {
    this.#store = store;
    this.#random = random;
    this.#listener = listener;
  }

  /** The work is done; also by a late result of a lapsed lease, while no other holds the item. */
  complete(item: Item, lease: ItemLease, result: Uint8Array, nowMs: number): void {
    lease.end = "complete";
    this.#end(item, "done", { run: item.run, kind: "result", result }, nowMs);
  }

  /** The item can never succeed. */
  reject(item: Item, lease: ItemLease, error: ApplicationErrorFacts, nowMs: number): void {
    lease.end = "reject";
    item.failed += 1;
    this.#listener.attemptFailed(false);
    this.#end(item, "dead", { run: item.run, kind: "error", error }, nowMs);
  }

  /** The item goes back without an attempt counted. */
  release(item: Item, lease: ItemLease, nowMs: number): void {
    lease.end = "release";
    this.#store.requeue(item, nowMs, nowMs);
  }

  /** A failed attempt, by `fail` or by a lapse after the start. */
  fail(
    item: Item,
    end: LeaseEnd,
    attempt: FailedAttempt,
    at: { readonly options: DemandOptions; readonly nowMs: number },
  ): void {
    if (item.lease !== undefined) item.lease.end = end;
    item.failed += 1;
    this.#listener.attemptFailed(end === "lapsed");
    const { retry } = at.options;
    const final = attempt.error?.retryable === false || item.failed >= retry.maxAttempts;
    if (!final) {
      const waitMs = attempt.delayMs ?? backoffMs(retry.backoff, item.failed, this.#random);
      this.#store.requeue(item, at.nowMs + waitMs, at.nowMs);
      return;
    }
    // The application's own last word says more than "attempts used up".
    if (attempt.error !== undefined) {
      this.#end(item, "dead", { run: item.run, kind: "error", error: attempt.error }, at.nowMs);
    } else {
      const message = `${String(item.failed)} of ${String(retry.maxAttempts)} attempts failed; the last: ${attempt.reason}`;
      this.#system(item, "dead", { code: "ATTEMPTS_EXHAUSTED", message }, at.nowMs);
    }
  }

  /** Time or loss ended the lease: a failed attempt if it was started, else none. */
  lapse(
    item: Item,
    reason: string,
    at: { readonly options: DemandOptions; readonly nowMs: number },
  ): void {
    const lease = item.lease;
    if (lease === undefined) return;
    if (lease.started) {
      this.fail(item, "lapsed", { error: undefined, reason, delayMs: undefined }, at);
      return;
    }
    lease.end = "lapsed";
    this.#store.requeue(item, at.nowMs, at.nowMs);
  }

  /** The producer or the clock ends the item; a lease of it is withdrawn. */
  withdraw(
    item: Item,
    state: "cancelled" | "expired",
    system: { readonly code: SystemCode; readonly message: string },
    nowMs: number,
  ): void {
    if (item.state === "leased" && item.lease !== undefined) item.lease.end = "withdrawn";
    this.#system(item, state, system, nowMs);
  }

  #system(
    item: Item,
    state: EndState,
    system: { readonly code: SystemCode; readonly message: string },
    nowMs: number,
  ): void {
    this.#end(item, state, { run: item.run, kind: "system", system }, nowMs);
  }

  #end(item: Item, state: EndState, outcome: Parameters<ItemStore["end"]>[2], nowMs: number): void {
    this.#store.end(item, state, outcome, nowMs);
    this.#listener.ended(item);
  }
}
