/**
 * The one list of neighbours, merged from every source. A neighbour is a node id in its newest
 * incarnation: what an older one said is dropped, and what a source says counts until its ttl.
 *
 * A neighbour is listed while a source names it or a session with it is open. Expiry and goodbye
 * only take a source away: with a session open they are hints, since the session itself proves that
 * the node lives, and tells when it does not. What was last said then stays in force.
 */
import type { DemandSummary } from "../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { assertNever, type Incarnation, type NodeId } from "../ports.ts";
import { discoveryLimits } from "./discovery-limits.ts";
import {
  type DiscoverySource,
  discoverySources,
  type Endpoint,
  endpointKey,
  sameDemands,
  sameEndpoints,
  type Sighting,
} from "./sighting.ts";

/** A neighbour as the list shows it; a value that never changes. */
export interface Neighbour {
  readonly nodeId: NodeId;
  /** Absent while only sources that cannot know it name the node. */
  readonly incarnation?: Incarnation;
  /** Most believed source first, without repeats. */
  readonly endpoints: readonly Endpoint[];
  readonly fingerprint?: string;
  /** Absent while no source can know them: dial to find out. */
  readonly demands?: readonly DemandSummary[];
  /** Who sees it now, most believed first. */
  readonly sources: readonly DiscoverySource[];
  readonly sessionOpen: boolean;
}

/** Why a neighbour is no longer listed. */
export type VanishReason = "EXPIRED" | "GOODBYE" | "REMOVED" | "SESSION_CLOSED";

/** Everything the list may be told. */
export type NeighbourInput =
  | { readonly type: "sighted"; readonly source: DiscoverySource; readonly sighting: Sighting }
  /** The node said goodbye to this source; of a newer incarnation nothing is changed. */
  | {
      readonly type: "left";
      readonly source: DiscoverySource;
      readonly nodeId: NodeId;
      readonly incarnation: Incarnation;
    }
  /** The source does not name the node any more (a changed configuration). */
  | { readonly type: "removed"; readonly source: DiscoverySource; readonly nodeId: NodeId }
  | {
      readonly type: "sessionOpened";
      readonly nodeId: NodeId;
      readonly incarnation: Incarnation;
    }
  | { readonly type: "sessionClosed"; readonly nodeId: NodeId };

/** Everything it tells the outside. */
export type NeighbourEffect =
  | { readonly type: "appeared"; readonly neighbour: Neighbour }
  /** At least one of the four is true. */
  | {
      readonly type: "changed";
      readonly neighbour: Neighbour;
      readonly restarted: boolean;
      readonly endpointsChanged: boolean;
      readonly demandsChanged: boolean;
      readonly sourcesChanged: boolean;
    }
  | { readonly type: "vanished"; readonly nodeId: NodeId; readonly reason: VanishReason }
  /** The list is full; nothing was changed. */
  | { readonly type: "refused"; readonly nodeId: NodeId; readonly reason: "TOO_MANY_NODES" };

/** What one source said last. */
interface Seen {
  readonly sighting: Sighting;
  readonly seenAtMs: number;
  readonly expiresAtMs: number;
}

/** A listed node. Invariant: `seen` is not empty or `session` is set. */
interface Entry {
  readonly nodeId: NodeId;
  incarnation: Incarnation | undefined;
  readonly seen: Map<DiscoverySource, Seen>;
  /** Kept while a session is open although its source expired. */
  lastSaid: Seen | undefined;
  session: boolean;
  shown: Neighbour;
}

/** Merges the sources. */
export class NeighbourList {
  readonly #ownNodeId: NodeId;
  readonly #entries = new Map<NodeId, Entry>();
  /** Lower bound of all expiries: exact after `advance`, early at most. */
  #nextExpiryMs = Infinity;

  /** @param ownNodeId never listed. */
  constructor(ownNodeId: NodeId) {
    this.#ownNodeId = ownNodeId;
  }

  /** Takes one input. */
  handle(input: NeighbourInput, nowMs: number): NeighbourEffect[] {
    switch (input.type) {
      case "sighted":
        return this.#sighted(input.source, input.sighting, nowMs);
      case "left":
        return this.#left(input);
      case "removed":
        return this.#forget(input.nodeId, input.source, "REMOVED");
      case "sessionOpened":
        return this.#sessionOpened(input.nodeId, input.incarnation);
      case "sessionClosed":
        return this.#sessionClosed(input.nodeId);
      default:
        return assertNever(input);
    }
  }

  /** When the next source may expire; Infinity when none can. */
  nextDeadlineMs(): number {
    return this.#nextExpiryMs;
  }

  /** Takes away what has expired; extra calls are harmless. Cost: a walk when something is due. */
  advance(nowMs: number): NeighbourEffect[] {
    if (nowMs < this.#nextExpiryMs) return [];
    const effects: NeighbourEffect[] = [];
    this.#nextExpiryMs = Infinity;
    for (const entry of [...this.#entries.values()]) {
      for (const [source, seen] of [...entry.seen]) {
        if (seen.expiresAtMs <= nowMs) {
          effects.push(...this.#forget(entry.nodeId, source, "EXPIRED"));
        } else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, seen.expiresAtMs);
      }
    }
    return effects;
  }

  /** Every neighbour, by node id. */
  neighbours(): readonly Neighbour[] {
    return [...this.#entries.values()]
      .map((entry) => entry.shown)
      .toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  }

  /** @returns undefined for a node that is not listed. */
  neighbour(nodeId: NodeId): Neighbour | undefined {
    return this.#entries.get(nodeId)?.shown;
  }

  #sighted(source: DiscoverySource, sighting: Sighting, nowMs: number): NeighbourEffect[] {
    const entry = this.#entryFor(sighting.nodeId);
    if (entry === "own") return [];
    if (entry === "full") {
      return [{ type: "refused", nodeId: sighting.nodeId, reason: "TOO_MANY_NODES" }];
    }
    if (!this.#meet(entry, sighting.incarnation)) return [];
    const expiresAtMs = nowMs + sighting.ttlMs;
    entry.seen.set(source, { sighting, seenAtMs: nowMs, expiresAtMs });
    entry.lastSaid = undefined;
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, expiresAtMs);
    return this.#show(entry);
  }

  #left(input: Extract<NeighbourInput, { type: "left" }>): NeighbourEffect[] {
    const entry = this.#entries.get(input.nodeId);
    if (entry === undefined || input.incarnation < (entry.incarnation ?? 0)) return [];
    return this.#forget(input.nodeId, input.source, "GOODBYE");
  }

  #forget(nodeId: NodeId, source: DiscoverySource, reason: VanishReason): NeighbourEffect[] {
    const entry = this.#entries.get(nodeId);
    const seen = entry?.seen.get(source);
    if (entry === undefined || seen === undefined) return [];
    entry.seen.delete(source);
    if (entry.session) entry.lastSaid ??= seen;
    return this.#show(entry, reason);
  }

  #sessionOpened(nodeId: NodeId, incarnation: Incarnation): NeighbourEffect[] {
    const entry = this.#entryFor(nodeId);
    if (entry === "own") return [];
    if (entry === "full") return [{ type: "refused", nodeId, reason: "TOO_MANY_NODES" }];
    if (!this.#meet(entry, incarnation)) return [];
    entry.session = true;
    return this.#show(entry);
  }

  #sessionClosed(nodeId: NodeId): NeighbourEffect[] {
    const entry = this.#entries.get(nodeId);
    if (entry === undefined || !entry.session) return [];
    entry.session = false;
    entry.lastSaid = undefined;
    // What the session itself told ends with it.
    entry.seen.delete("session");
    return this.#show(entry, "SESSION_CLOSED");
  }

  #entryFor(nodeId: NodeId): Entry | "own" | "full" {
    if (nodeId === this.#ownNodeId) return "own";
    const known = this.#entries.get(nodeId);
    if (known !== undefined) return known;
    if (this.#entries.size >= discoveryLimits.nodes) return "full";
    const shown: Neighbour = { nodeId, endpoints: [], sources: [], sessionOpen: false };
    return {
      nodeId,
      incarnation: undefined,
      seen: new Map(),
      lastSaid: undefined,
      session: false,
      shown,
    };
  }

  /**
   * Takes note of the incarnation that a source names; a newer one makes what older ones said void.
   * @returns false when it is an old one.
   */
  #meet(entry: Entry, incarnation: Incarnation | undefined): boolean {
    if (incarnation === undefined) return true;
    if (entry.incarnation !== undefined && incarnation < entry.incarnation) return false;
    if (entry.incarnation !== undefined && incarnation > entry.incarnation) {
      for (const [source, { sighting }] of [...entry.seen]) {
        if (sighting.incarnation !== undefined) entry.seen.delete(source);
      }
      entry.lastSaid = undefined;
      // The open session is the old process's; the transport ends it, and says so.
    }
    entry.incarnation = incarnation;
    return true;
  }

  /** Compares what is now with what was shown last. */
  #show(entry: Entry, reason: VanishReason = "EXPIRED"): NeighbourEffect[] {
    const isListed = this.#entries.has(entry.nodeId);
    if (entry.seen.size === 0 && !entry.session) {
      if (!isListed) return [];
      this.#entries.delete(entry.nodeId);
      return [{ type: "vanished", nodeId: entry.nodeId, reason }];
    }
    const before = entry.shown;
    const now = shownOf(entry);
    entry.shown = now;
    if (!isListed) {
      this.#entries.set(entry.nodeId, entry);
      return [{ type: "appeared", neighbour: now }];
    }
    const restarted = before.incarnation !== undefined && before.incarnation !== now.incarnation;
    const endpointsChanged = !sameEndpoints(before.endpoints, now.endpoints);
    const demandsChanged = !sameDemands(before.demands, now.demands);
    const sourcesChanged =
      before.sources.join() !== now.sources.join() ||
      before.sessionOpen !== now.sessionOpen ||
      before.incarnation !== now.incarnation;
    if (!restarted && !endpointsChanged && !demandsChanged && !sourcesChanged) return [];
    const changes = { restarted, endpointsChanged, demandsChanged, sourcesChanged };
    return [{ type: "changed", neighbour: now, ...changes }];
  }
}

function shownOf(entry: Entry): Neighbour {
  const sources = discoverySources.filter((source) => entry.seen.has(source));
  const said = sources.map((source) => entry.seen.get(source)).filter((seen) => seen !== undefined);
  if (said.length === 0 && entry.lastSaid !== undefined) said.push(entry.lastSaid);
  const endpoints = new Map(
    said.flatMap(({ sighting }) => sighting.endpoints.map((e) => [endpointKey(e), e])),
  );
  const demands = newestDemands(said) ?? entry.lastSaid?.sighting.demands;
  const fingerprint = said.find((seen) => seen.sighting.fingerprint !== undefined);
  return {
    nodeId: entry.nodeId,
    ...(entry.incarnation === undefined ? {} : { incarnation: entry.incarnation }),
    endpoints: [...endpoints.values()],
    ...(fingerprint?.sighting.fingerprint === undefined
      ? {}
      : { fingerprint: fingerprint.sighting.fingerprint }),
    ...(demands === undefined ? {} : { demands }),
    sources,
    sessionOpen: entry.session,
  };
}

/** Counts age quickly, so here the newest word counts, not the most believed source. */
function newestDemands(said: readonly Seen[]): readonly DemandSummary[] | undefined {
  return said
    .filter(({ sighting }) => sighting.demands !== undefined)
    .toSorted((a, b) => b.seenAtMs - a.seenAtMs)
    .at(0)?.sighting.demands;
}
