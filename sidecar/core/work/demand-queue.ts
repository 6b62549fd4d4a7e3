/**
 * One Demand of the node: its queue, its providers, its outcomes. Picture a counter with a line of
 * parcels: couriers who were let in say how many more they can carry, the clerk hands out the next
 * parcels in turn, each with a slip that runs out unless the courier calls in, and writes every
 * receipt into the book before saying thank you.
 */
import { assertNever, type NodeId } from "../ports.ts";
import { loseLink, refuseContract, reviewLinks, sameContract } from "./demand-admission.ts";
import { DemandCalls } from "./demand-calls.ts";
import type { DemandEffect, DemandInput, WorkContract } from "./demand-events.ts";
import { maxLinks } from "./demand-links.ts";
import type { DemandOptions } from "./demand-options.ts";
import { takeMessage } from "./demand-protocol.ts";
import { DemandState } from "./demand-state.ts";
import { demandSnapshot } from "./demand-views.ts";
import { explainItem, type Explanation } from "./explanation.ts";
import { grantReady } from "./granting.ts";
import type { KnownItem } from "./ended-item.ts";
import { Item, type ItemSnapshot, type ItemState } from "./item.ts";
import { itemSnapshot } from "./item-snapshot.ts";
import { providersOf, toProvider } from "./messages.ts";
import type { DemandComponents } from "./ports.ts";
import type { DemandSnapshot, ItemPage, OutcomeEntry } from "./snapshot.ts";

/** Providers are told of changed numbers at most this often, ms. */
const announcePeriodMs = 200;

/**
 * A queue. Feed it inputs in the order of time; carry out the effects in the order given.
 * Cost of an input: O(log n) in pending items, beside what it delivers.
 */
export class DemandQueue {
  readonly name: string;
  readonly #state: DemandState;
  readonly #calls: DemandCalls;
  #announcedAtMs = -Infinity;
  #drainedSaid = false;

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: DemandOptions;
    },
    components: DemandComponents,
  ) {
    this.name = spec.name;
    this.#state = new DemandState(spec, components);
    this.#calls = new DemandCalls(this.#state);
  }

  /** A turn of one input. @param nowMs monotonic, never less than before. */
  handle(input: DemandInput, nowMs: number): DemandEffect[] {
    this.begin(nowMs);
    this.take(input, nowMs);
    return this.finish(nowMs);
  }

  /**
   * Begins a turn: carries out every timer that is due (retention, wakes, deadlines, lapses).
   * @param nowMs monotonic, never less than before; the same until `finish`.
   */
  begin(nowMs: number): void {
    const { store, options } = this.#state;
    // At the beginning: what a turn ended can be read until the next one, however tight the bounds.
    store.trim(options, nowMs);
    for (let item = store.due(nowMs); item !== undefined; item = store.due(nowMs)) {
      this.#doDueItem(item, nowMs);
    }
  }

  /** Takes one input of the turn. */
  take(input: DemandInput, nowMs: number): void {
    const state = this.#state;
    switch (input.type) {
      case "add":
        this.#calls.add(input, nowMs);
        return;
      case "addCancelled":
        this.#calls.abandon(input.call);
        return;
      case "cancel":
        this.#calls.cancel(input, nowMs);
        return;
      case "redrive":
        this.#calls.redrive(input, nowMs);
        return;
      case "linkOpened":
        this.#openLink(input);
        return;
      case "message": {
        const link = state.links.get(input.link);
        if (link !== undefined) takeMessage(state, link, input.message, nowMs);
        return;
      }
      case "linkLost": {
        const link = state.links.get(input.link);
        if (link !== undefined) loseLink(state, link, input.clean, nowMs);
        return;
      }
      case "rtt":
        for (const provider of state.links.providersOfNode(input.nodeId)) {
          provider.rttMs = input.rttMs;
        }
        return;
      case "pause":
        state.paused = true;
        return;
      case "resume":
        state.paused = false;
        return;
      case "configure":
        this.#configure(input.contract, input.options);
        return;
      case "drain":
        state.draining = true;
        this.#calls.refuseWaiting();
        return;
      case "close":
        this.#close(input, nowMs);
        return;
      default:
        assertNever(input);
    }
  }

  /** Ends a turn: what follows from its inputs (room for adds, grants, announcements), once. */
  finish(nowMs: number): DemandEffect[] {
    const state = this.#state;
    if (this.#calls.waiters > 0) this.#calls.admitWaiting(nowMs);
    state.flushSettled();
    grantReady(state, nowMs);
    if (state.providersChanged && nowMs >= this.#announcedAtMs + announcePeriodMs) {
      this.#announce(nowMs);
    }
    if (state.draining && !this.#drainedSaid && state.store.pendingItems === 0) {
      this.#drainedSaid = true;
      state.emit({ type: "drained" });
    }
    return state.takeEffects();
  }

  /** @returns when `advance` is due; Infinity when idle. */
  nextDeadlineMs(): number {
    const announceMs = this.#state.providersChanged
      ? this.#announcedAtMs + announcePeriodMs
      : Infinity;
    return Math.min(this.#state.store.nextDeadlineMs(this.#state.options), announceMs);
  }

  /** Does what is due. Extra calls are harmless. */
  advance(nowMs: number): DemandEffect[] {
    this.begin(nowMs);
    return this.finish(nowMs);
  }

  /** The item of this queue, while it or its outcome is kept. */
  item(sequence: number): ItemSnapshot | undefined {
    const item = this.#state.store.get(sequence);
    return item === undefined ? undefined : itemSnapshot(item, this.#state.tickets);
  }

  /**
   * Items in the order of their sequences. Cost: a walk of all items of the queue.
   * @param page.limit 1 … 1,000.
   * @param page.after sequence of the last item of the page before.
   */
  list(page: {
    readonly limit: number;
    readonly state?: ItemState;
    readonly after?: number;
  }): ItemPage {
    const items: ItemSnapshot[] = [];
    for (const item of this.#state.store.all()) {
      if (item.sequence <= (page.after ?? 0)) continue;
      if (page.state !== undefined && item.state !== page.state) continue;
      if (items.length >= Math.min(page.limit, 1_000)) {
        return { items, next: items.at(-1)?.sequence };
      }
      items.push(itemSnapshot(item, this.#state.tickets));
    }
    return { items, next: undefined };
  }

  /** Outcomes after a number, as far as they are kept, oldest first, at most `limit`. */
  outcomes(after: number, limit: number): readonly OutcomeEntry[] {
    const entry = (item: KnownItem): OutcomeEntry => ({
      number: item.outcomeNumber,
      item: itemSnapshot(item, this.#state.tickets),
    });
    return this.#state.store.outcomesAfter(after, limit).map(entry);
  }

  /** Number of the last outcome; 0 before the first. */
  lastOutcome(): number {
    return this.#state.store.lastOutcome;
  }

  snapshot(nowMs: number): DemandSnapshot {
    return demandSnapshot(this.#state, this.#calls.waiters, nowMs);
  }

  /** Wanted, admitted at most and connected providers, for announcements. */
  providers(): { readonly desired: number; readonly max: number; readonly connected: number } {
    return this.#state.providers();
  }

  /** Why the item does not move; undefined when the queue does not know it. */
  explain(sequence: number, nowMs: number): Explanation | undefined {
    const item = this.#state.store.get(sequence);
    return item === undefined ? undefined : explainItem(this.#state, item, nowMs);
  }

  /** Nodes that hold a lease or a link. */
  peers(): readonly NodeId[] {
    const nodes = new Set<NodeId>();
    for (const provider of this.#state.links.providers()) nodes.add(provider.nodeId);
    return [...nodes];
  }

  #openLink(input: Extract<DemandInput, { readonly type: "linkOpened" }>): void {
    if (this.#state.links.size >= maxLinks) {
      const reason = `LIMIT_EXCEEDED: the demand has ${String(maxLinks)} links`;
      this.#state.closeLink(input.link, reason);
      return;
    }
    this.#state.links.open(input.link, input.peer);
  }

  #configure(contract: WorkContract, options: DemandOptions): void {
    const state = this.#state;
    const before = state.options;
    const differs = !sameContract(state.contract, contract);
    state.options = options;
    state.paused = options.paused;
    state.contract = contract;
    if (differs) state.mismatches.clear();
    if (differs) refuseContract(state, `the contract of the demand ${state.name} was changed`);
    reviewLinks(state);
    if (
      before.desiredProviders !== options.desiredProviders ||
      before.maxProviders !== options.maxProviders
    ) {
      state.providersChanged = true;
    }
  }

  #close(input: Extract<DemandInput, { readonly type: "close" }>, nowMs: number): void {
    const state = this.#state;
    state.draining = true;
    state.closed = true;
    this.#calls.refuseWaiting();
    for (const item of [...state.store.all()]) {
      if (!(item instanceof Item) || item.outcome !== undefined) continue;
      const wasLeased = item.state === "leased";
      const system = { code: input.code, message: input.reason };
      state.settlement.withdraw(item, "cancelled", system, nowMs);
      if (wasLeased) state.tellCancelled(item, input.reason);
    }
    reviewLinks(state);
  }

  #doDueItem(item: Item, nowMs: number): void {
    const { store, settlement, links, options } = this.#state;
    const lease = item.state === "leased" ? item.lease : undefined;
    if (item.deadlineAtMs <= nowMs) {
      const message = "the item's deadline passed before it was done";
      settlement.withdraw(item, "expired", { code: "DEADLINE_EXCEEDED", message }, nowMs);
      if (lease !== undefined) this.#state.tellCancelled(item, message);
    } else if (lease === undefined) {
      store.wake(item, nowMs);
    } else {
      const reason =
        lease.runtimeUntilMs <= nowMs
          ? "it ran longer than lease.maxRuntime"
          : lease.progressUntilMs <= nowMs
            ? "it reported no progress for lease.progressTimeout"
            : "its lease ran out";
      settlement.lapse(item, reason, { options, nowMs });
      this.#state.tellLapsed(item);
    }
    if (lease !== undefined) links.release(lease.provider);
  }

  #announce(nowMs: number): void {
    const state = this.#state;
    state.providersChanged = false;
    this.#announcedAtMs = nowMs;
    state.emit({ type: "providersChanged" });
    const value = providersOf(state.providers());
    for (const link of state.links.all()) {
      if (link.phase === "admitted")
        state.send(link.link, toProvider({ case: "providers", value }));
    }
  }
}
