/**
 * What the parts of one DemandQueue share: the data, the effects of this turn, the few words for
 * both.
 */
import type { Lease, ToProvider } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { SettledStatus } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandEffect, WorkContract } from "./demand-events.ts";
import { type DemandLink, DemandLinks } from "./demand-links.ts";
import type { DemandOptions } from "./demand-options.ts";
import type { Item } from "./item.ts";
import { itemSnapshot } from "./item-snapshot.ts";
import { ItemStore } from "./item-store.ts";
import { maxNamed, settled, toProvider } from "./messages.ts";
import { Mismatches } from "./mismatches.ts";
import type { DemandComponents } from "./ports.ts";
import { Settlement } from "./settlement.ts";
import { TicketWriter } from "./ticket.ts";

/** What a queue counts over its life. */
export interface DemandCounters {
  added: number;
  refused: number;
  granted: number;
  failed: number;
  lapsed: number;
  staleVerbs: number;
  lateCompletes: number;
  malformed: number;
}

/** Leases of one link that came to the same. */
interface SettledList {
  readonly status: SettledStatus;
  readonly state: string;
  readonly leases: Lease[];
}

/** The shared part of a DemandQueue. */
export class DemandState {
  readonly name: string;
  readonly components: DemandComponents;
  readonly store = new ItemStore();
  readonly links = new DemandLinks();
  /** Who was refused because of its contract, for explanations. */
  readonly mismatches = new Mismatches();
  readonly settlement: Settlement;
  readonly tickets: TicketWriter;
  readonly counters: DemandCounters = {
    added: 0,
    refused: 0,
    granted: 0,
    failed: 0,
    lapsed: 0,
    staleVerbs: 0,
    lateCompletes: 0,
    malformed: 0,
  };
  contract: WorkContract;
  options: DemandOptions;
  paused: boolean;
  draining = false;
  closed = false;
  /** Wanted, admitted at most or connected changed since the last announcement. */
  providersChanged = false;
  /** Links whose credit was set in this turn. */
  credited: DemandLink[] = [];
  /** What became of leases in this turn, by link. */
  readonly #settled = new Map<number, SettledList>();
  #out: DemandEffect[] = [];

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: DemandOptions;
    },
    components: DemandComponents,
  ) {
    this.name = spec.name;
    this.contract = spec.contract;
    this.options = spec.options;
    this.paused = spec.options.paused;
    this.components = components;
    this.tickets = new TicketWriter(components.self);
    this.settlement = new Settlement(this.store, components.random, {
      ended: (item) => {
        this.emit({
          type: "outcome",
          number: item.outcomeNumber,
          sequence: item.sequence,
          item: itemSnapshot(item, this.tickets),
        });
      },
      attemptFailed: (lapsed) => {
        this.counters.failed += 1;
        if (lapsed) this.counters.lapsed += 1;
      },
    });
  }

  emit(effect: DemandEffect): void {
    this.#out.push(effect);
  }

  send(link: number, message: ToProvider): void {
    this.#out.push({ type: "send", link, message });
  }

  /** Ends a link, after what is to be said on it. */
  closeLink(link: number, reason: string): void {
    this.#flushSettled(link);
    this.emit({ type: "closeLink", link, reason });
  }

  /** Says what became of leases in this turn. To be called before anything is delivered again. */
  flushSettled(): void {
    for (const link of this.#settled.keys()) this.#flushSettled(link);
  }

  /** @returns the effects of this turn; the next turn begins with none. */
  takeEffects(): DemandEffect[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Tells a provider what became of a lease, at the end of the turn. */
  tellSettled(link: number, lease: Lease, status: SettledStatus, state: string): void {
    if (status === SettledStatus.STALE_LEASE) this.counters.staleVerbs += 1;
    this.#tell(link, lease, status, state);
  }

  /** Tells the provider of an item's latest lease that it lapsed, if it can be reached. */
  tellLapsed(item: Item): void {
    const lease = item.lease;
    if (lease?.provider.link === undefined) return;
    this.#tell(lease.provider.link, lease.wire, SettledStatus.LEASE_LOST, item.state);
  }

  /** Tells the provider of an item's latest lease to stop, if it can be reached. */
  tellCancelled(item: Item, reason: string): void {
    const lease = item.lease;
    if (lease?.provider.link === undefined) return;
    this.send(
      lease.provider.link,
      toProvider({
        case: "cancel",
        value: { $typeName: "spillway.work.v1.Cancel", lease: lease.wire, reason },
      }),
    );
  }

  /** Wanted, admitted at most and connected providers. */
  providers(): { readonly desired: number; readonly max: number; readonly connected: number } {
    return {
      desired: this.options.desiredProviders,
      max: this.options.maxProviders,
      connected: this.links.admittedCount,
    };
  }

  #tell(link: number, lease: Lease, status: SettledStatus, state: string): void {
    const list = this.#settled.get(link);
    if (list?.status === status && list.state === state && list.leases.length < maxNamed) {
      list.leases.push(lease);
      return;
    }
    if (list !== undefined) this.#flushSettled(link);
    this.#settled.set(link, { status, state, leases: [lease] });
  }

  #flushSettled(link: number): void {
    const list = this.#settled.get(link);
    if (list === undefined) return;
    this.#settled.delete(link);
    this.send(link, settled(list.leases, list.status, list.state));
  }
}
