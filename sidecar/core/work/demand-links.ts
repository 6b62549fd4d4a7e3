/**
 * The links of a queue and the providers behind them: who is admitted, how much credit each link
 * has, whose turn it is. Knows nothing of items beyond the set that a provider holds.
 *
 * A link is `opened` until its Hello, then `admitted` (counts towards maxProviders, may get items)
 * or a `guest`: not admitted, but allowed to settle what it held before, so that a lease survives a
 * lost transport even when its place was taken meanwhile.
 */
import { SequenceMap } from "../sequence-map.ts";
import type { Delivery } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { NodeId } from "../ports.ts";
import type { WorkPeer } from "./demand-events.ts";
import type { DemandProvider } from "./item.ts";

/** Links of one queue at most, admitted or not; further ones are closed at once. */
export const maxLinks = 4_096;

/**
 * Credit that one link may have, whatever its provider says: the most slots a capability can have.
 */
export const maxLinkCredit = 1_000;

/** One link. */
export interface DemandLink {
  readonly link: number;
  readonly peer: WorkPeer;
  phase: "opened" | "admitted" | "guest";
  /** Set by Hello. */
  provider: DemandProvider | undefined;
  /** Deliveries permitted and made since Admit. Invariant: delivered grows only below limit. */
  limit: number;
  delivered: number;
  revision: number;
  /** True while the provider believes that items wait for it here. */
  backlogTold: boolean;
  /** Deliveries of this turn that are not sent yet. */
  outbox: Delivery[];
  /** Place in the ring of links with credit; -1 outside. */
  ringIndex: number;
}

/** Links and providers of one queue. */
export class DemandLinks {
  readonly #links = new Map<number, DemandLink>();
  readonly #providers = new Map<string, DemandProvider>();
  /** Links that may get an item now; the cursor goes round. */
  readonly #ring: DemandLink[] = [];
  #cursor = 0;
  /** Admitted links without credit that were not told of a backlog. */
  readonly #untold = new Set<DemandLink>();
  #admitted = 0;

  /** Providers that count towards maxProviders. */
  get admittedCount(): number {
    return this.#admitted;
  }

  get size(): number {
    return this.#links.size;
  }

  get(link: number): DemandLink | undefined {
    return this.#links.get(link);
  }

  all(): IterableIterator<DemandLink> {
    return this.#links.values();
  }

  providers(): IterableIterator<DemandProvider> {
    return this.#providers.values();
  }

  /** Providers of a node, in any incarnation. Cost: a walk of all providers. */
  providersOfNode(nodeId: NodeId): DemandProvider[] {
    return [...this.#providers.values()].filter((provider) => provider.nodeId === nodeId);
  }

  open(link: number, peer: WorkPeer): DemandLink {
    const opened: DemandLink = {
      link,
      peer,
      phase: "opened",
      provider: undefined,
      limit: 0,
      delivered: 0,
      revision: 0,
      backlogTold: false,
      outbox: [],
      ringIndex: -1,
    };
    this.#links.set(link, opened);
    return opened;
  }

  /** The provider that a Hello speaks for; made when it is new. */
  provider(peer: WorkPeer, capability: string): DemandProvider {
    const key = providerKey(peer.nodeId, capability);
    const known = this.#providers.get(key);
    if (known !== undefined) return known;
    const provider: DemandProvider = {
      nodeId: peer.nodeId,
      capability,
      incarnation: peer.incarnation,
      link: undefined,
      admitted: false,
      leased: new SequenceMap(),
      rttMs: undefined,
      slots: 0,
      obstacle: undefined,
    };
    this.#providers.set(key, provider);
    return provider;
  }

  /**
   * Binds a link to its provider, as a guest. The provider's earlier link must be detached before.
   */
  attach(link: DemandLink, provider: DemandProvider): void {
    link.provider = provider;
    link.phase = "guest";
    provider.link = link.link;
  }

  /** Makes a guest an admitted provider, with credit 0. */
  admit(link: DemandLink): void {
    if (link.provider === undefined || link.phase === "admitted") return;
    link.phase = "admitted";
    link.provider.admitted = true;
    this.#admitted += 1;
    this.#untold.add(link);
  }

  /** Takes admission back; what the provider holds it may still settle. */
  demote(link: DemandLink): void {
    if (link.phase !== "admitted" || link.provider === undefined) return;
    link.phase = "guest";
    link.provider.admitted = false;
    this.#admitted -= 1;
    this.#leaveRing(link);
    this.#untold.delete(link);
  }

  /** Forgets a link; its provider stays while it holds leases. @returns the provider. */
  detach(link: DemandLink): DemandProvider | undefined {
    this.demote(link);
    this.#links.delete(link.link);
    const provider = link.provider;
    if (provider?.link === link.link) provider.link = undefined;
    return provider;
  }

  /** Forgets a provider that has neither link nor lease. */
  release(provider: DemandProvider): void {
    if (provider.link !== undefined || provider.leased.size > 0) return;
    const key = providerKey(provider.nodeId, provider.capability);
    if (this.#providers.get(key) === provider) this.#providers.delete(key);
  }

  /**
   * Sets how many deliveries the link permits since Admit; at most `maxLinkCredit` beyond those
   * made.
   */
  setLimit(link: DemandLink, limit: number): void {
    link.limit = Math.min(limit, link.delivered + maxLinkCredit);
    this.#placeInRing(link);
  }

  /** The link whose turn it is; undefined when none has credit. */
  nextWithCredit(): DemandLink | undefined {
    if (this.#cursor >= this.#ring.length) this.#cursor = 0;
    return this.#ring[this.#cursor];
  }

  /** Counts a delivery on the link whose turn it is, and gives the turn to the next. */
  countDelivery(link: DemandLink, delivery: Delivery): void {
    link.delivered += 1;
    link.outbox.push(delivery);
    this.#cursor += 1;
    this.#placeInRing(link);
  }

  /** Links that should be told that items wait; each is returned once until `backlogOver`. */
  takeUntold(): DemandLink[] {
    if (this.#untold.size === 0) return [];
    const links = [...this.#untold];
    this.#untold.clear();
    for (const link of links) link.backlogTold = true;
    return links;
  }

  /** The link is told that nothing waits any more. */
  backlogOver(link: DemandLink): void {
    link.backlogTold = false;
    this.#placeInRing(link);
  }

  #placeInRing(link: DemandLink): void {
    if (link.phase === "admitted" && creditOf(link) > 0) {
      this.#untold.delete(link);
      if (link.ringIndex < 0) {
        link.ringIndex = this.#ring.length;
        this.#ring.push(link);
      }
      return;
    }
    this.#leaveRing(link);
    if (link.phase === "admitted" && !link.backlogTold) this.#untold.add(link);
  }

  #leaveRing(link: DemandLink): void {
    if (link.ringIndex < 0) return;
    const last = this.#ring.pop();
    if (last !== undefined && last !== link) {
      this.#ring[link.ringIndex] = last;
      last.ringIndex = link.ringIndex;
    }
    link.ringIndex = -1;
  }
}

/** Deliveries that the link would take now. */
export function creditOf(link: DemandLink): number {
  return Math.max(0, link.limit - link.delivered);
}

function providerKey(nodeId: NodeId, capability: string): string {
  return `${nodeId}/${capability}`;
}
