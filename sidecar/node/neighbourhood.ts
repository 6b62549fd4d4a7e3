/**
 * Who is around: the neighbours that discovery knows, the dials that the pools ask for, the
 * sessions that come of them, and what each side says of its demands once a session is open.
 */
import type { Announcement } from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { PeerView } from "../api/ports.ts";
import type { Clock, NodeId, Random } from "../core/ports.ts";
import {
  Dialler,
  type DiallerEffect,
  type DiallerInput,
  type Neighbour,
  type NeighbourEffect,
  type NeighbourInput,
  NeighbourList,
  type Sighting,
} from "../core/discovery/index.ts";
import { assertNever } from "../core/ports.ts";
import type { Logger, Timers } from "../runtime/index.ts";
import type { PeerSession, PeerTransport } from "../transport/ports.ts";
import { TransportError, type TransportErrorCode } from "../transport/index.ts";
import { EnginePump } from "../runtime/engine-pump.ts";
import { Links } from "./links.ts";
import type { LinkEvents } from "./links.ts";
import { readSessionAnnouncement } from "./session-announcement.ts";

/** Sources that name their peers all at once: the configuration, the operator. */
export type NamingSource = "static" | "control";

/** A peer that one of them names. */
export type NamedPeer = Omit<Sighting, "ttlMs" | "fingerprint">;

/** What the neighbourhood needs. */
export interface NeighbourhoodComponents {
  readonly self: { readonly nodeId: NodeId; readonly incarnation: number };
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

/** What it tells the node. */
export interface NeighbourhoodEvents {
  /** A peer's capability opens a link. */
  readonly accept: LinkEvents["accept"];
  /** Some neighbour's demands changed, or a neighbour came or went. */
  readonly demandsChanged: () => void;
  readonly sessionUp: (session: PeerSession) => void;
  readonly sessionDown: (nodeId: NodeId) => void;
  readonly dialFailed: (nodeId: NodeId) => void;
}

/** Ends of an opening that the same peer would answer again; any other may pass by itself. */
const refusals: ReadonlySet<TransportErrorCode> = new Set([
  "IDENTITY_MISMATCH",
  "NEGOTIATION_MISMATCH",
  "NO_COMMON_VALUE",
  "MALFORMED",
  "LIMIT_EXCEEDED",
]);

/** Neighbours, dials and sessions of one node. */
export class Neighbourhood {
  readonly links: Links;
  readonly #components: NeighbourhoodComponents;
  readonly #events: NeighbourhoodEvents;
  readonly #list: NeighbourList;
  readonly #neighbours: EnginePump<NeighbourInput, NeighbourEffect>;
  readonly #dialler: EnginePump<DiallerInput, DiallerEffect>;
  readonly #sessions = new Map<NodeId, PeerSession>();
  readonly #whyNotConnected = new Map<NodeId, string>();
  /** A dial may end with a session that the peer had dialled meanwhile, which is known already. */
  readonly #attached = new WeakSet<PeerSession>();
  #ownAnnouncement: Uint8Array | undefined;
  #wantedByPools: ReadonlySet<NodeId> = new Set();
  readonly #named = new Map<NamingSource, ReadonlySet<NodeId>>();
  readonly #wantedByName = new Map<NamingSource, ReadonlySet<NodeId>>();
  #closed = false;

  constructor(components: NeighbourhoodComponents, events: NeighbourhoodEvents) {
    this.#components = components;
    this.#events = events;
    this.#list = new NeighbourList(components.self.nodeId);
    this.#neighbours = new EnginePump(this.#list, {
      ...components,
      perform: (effect) => {
        this.#performNeighbour(effect);
      },
    });
    this.#dialler = new EnginePump(new Dialler(components.self.nodeId, components.random), {
      ...components,
      perform: (effect) => {
        this.#performDial(effect);
      },
    });
    this.links = new Links(
      components.self,
      {
        accept: events.accept,
        announcement: (session, bytes) => {
          this.#announced(session, bytes);
        },
        ready: (session) => {
          this.#ready(session);
        },
      },
      components.logger,
    );
    components.transport.onSession((session) => {
      this.#opened(session);
    });
  }

  /** What a further source (multicast, later gossip) says. */
  tell(input: NeighbourInput): void {
    this.#neighbours.handle(input);
  }

  /** Every neighbour. */
  neighbours(): readonly Neighbour[] {
    return this.#list.neighbours();
  }

  /** Open sessions, those with a data lane. */
  sessions(): readonly PeerSession[] {
    return [...this.#sessions.values()];
  }

  /** Nodes that the pools want sessions with. */
  want(nodeIds: ReadonlySet<NodeId>): void {
    this.#wantedByPools = nodeIds;
    this.#wantAll();
  }

  /**
   * Takes over the peers that a source names; those it named before and does not now are forgotten.
   * @param dialUnknown also dial those whose demands it does not tell: only a session tells them.
   */
  configurePeers(source: NamingSource, peers: readonly NamedPeer[], dialUnknown: boolean): void {
    const named = new Set(peers.map((peer) => peer.nodeId));
    for (const nodeId of this.#named.get(source) ?? []) {
      if (!named.has(nodeId)) this.tell({ type: "removed", source, nodeId });
    }
    this.#named.set(source, named);
    for (const peer of peers) {
      this.tell({ type: "sighted", source, sighting: { ...peer, ttlMs: Infinity } });
    }
    const unknown = dialUnknown ? peers.filter((peer) => !tellsDemands(peer)) : [];
    this.#wantedByName.set(source, new Set(unknown.map((peer) => peer.nodeId)));
    this.#wantAll();
  }

  /** Says over every session which demands this node holds. */
  announce(encoded: Uint8Array): void {
    this.#ownAnnouncement = encoded;
    this.links.announce(encoded);
  }

  /** Peers as `GET /v1/peers` shows them. */
  views(): readonly PeerView[] {
    return this.#list.neighbours().map((neighbour) => this.#viewOf(neighbour));
  }

  /** Dials nobody any more. Sessions end with the transport. */
  close(): void {
    this.#closed = true;
    this.#neighbours.close();
    this.#dialler.close();
  }

  #wantAll(): void {
    const byName = [...this.#wantedByName.values()].flatMap((nodeIds) => [...nodeIds]);
    const nodeIds = new Set([...this.#wantedByPools, ...byName]);
    nodeIds.delete(this.#components.self.nodeId);
    this.#dialler.handle({ type: "wanted", nodeIds });
  }

  #performNeighbour(effect: NeighbourEffect): void {
    switch (effect.type) {
      case "appeared":
      case "changed":
        this.#dialler.handle({ type: "neighbour", ...endpointsOf(effect.neighbour) });
        this.#events.demandsChanged();
        break;
      case "vanished":
        this.#whyNotConnected.delete(effect.nodeId);
        this.#dialler.handle({ type: "neighbourGone", nodeId: effect.nodeId });
        this.#events.demandsChanged();
        break;
      case "refused":
        this.#components.logger.warn({ peer: effect.nodeId }, "too many neighbours: left out");
        break;
      default:
        assertNever(effect);
    }
  }

  #performDial(effect: DiallerEffect): void {
    switch (effect.type) {
      case "dial":
        void this.#dial(effect.nodeId, effect.host, effect.port);
        break;
      case "idle":
        this.#closeIdle(effect.nodeId);
        break;
      default:
        assertNever(effect);
    }
  }

  async #dial(nodeId: NodeId, host: string, port: number): Promise<void> {
    const { transport, logger } = this.#components;
    try {
      this.#opened(await transport.dial({ nodeId, host, port }));
    } catch (error) {
      if (this.#closed) {
        return;
      }
      const code = error instanceof TransportError ? error.code : "DIAL_FAILED";
      const reason = error instanceof Error ? error.message : String(error);
      logger.debug(
        { peer: nodeId, address: `${host}:${String(port)}`, code, reason },
        "no session",
      );
      this.#explain(nodeId, reason);
      this.#dialler.handle({ type: "dialFailed", nodeId, refused: refusals.has(code) });
      this.#events.dialFailed(nodeId);
    }
  }

  #opened(session: PeerSession): void {
    if (this.#attached.has(session)) {
      return;
    }
    this.#attached.add(session);
    const { nodeId, incarnation } = session.peer;
    this.#whyNotConnected.delete(nodeId);
    this.#neighbours.handle({ type: "sessionOpened", nodeId, incarnation });
    this.#dialler.handle({ type: "sessionOpened", nodeId, dialled: session.dialled });
    // First what the node makes of the end, so that links hear of it before the dialler goes on.
    this.links.attach(session);
    session.onClosed((end) => {
      this.#lost(session, end.reason);
    });
  }

  /** The data lane is there. A session that replaces another ends the links of that first. */
  #ready(session: PeerSession): void {
    const { nodeId } = session.peer;
    if (this.#sessions.has(nodeId)) {
      this.#events.sessionDown(nodeId);
    }
    this.#sessions.set(nodeId, session);
    if (this.#ownAnnouncement !== undefined) {
      this.links.announceTo(session, this.#ownAnnouncement);
    }
    this.#events.sessionUp(session);
  }

  #lost(session: PeerSession, reason: string): void {
    const { nodeId } = session.peer;
    const current = this.#sessions.get(nodeId);
    if (current !== undefined && current !== session) {
      return;
    }
    this.#explain(nodeId, reason);
    if (current === session) {
      this.#sessions.delete(nodeId);
      this.#events.sessionDown(nodeId);
    }
    if (!this.#closed) {
      this.#neighbours.handle({ type: "sessionClosed", nodeId });
      this.#dialler.handle({ type: "sessionClosed", nodeId });
    }
  }

  /** Only for listed nodes, so that it ends with them. */
  #explain(nodeId: NodeId, reason: string): void {
    if (this.#list.neighbour(nodeId) !== undefined) this.#whyNotConnected.set(nodeId, reason);
  }

  #closeIdle(nodeId: NodeId): void {
    const session = this.#sessions.get(nodeId);
    if (session !== undefined && !this.links.inUse(session)) {
      session.close("IDLE", "nothing is sent or wanted over this session");
    }
  }

  #announced(session: PeerSession, bytes: Uint8Array): void {
    const read = readSessionAnnouncement(bytes, session.peer);
    if (!read.ok) {
      session.close(read.code, read.reason);
      return;
    }
    this.tell({ type: "sighted", source: "session", sighting: sightingOf(read.announcement) });
  }

  #viewOf(neighbour: Neighbour): PeerView {
    const session = this.#sessions.get(neighbour.nodeId);
    const addresses = neighbour.endpoints.map(({ host, port }) =>
      host.includes(":") ? `[${host}]:${String(port)}` : `${host}:${String(port)}`,
    );
    const base = { id: neighbour.nodeId, addresses, sources: neighbour.sources };
    if (session === undefined) {
      const notConnected = this.#whyNotConnected.get(neighbour.nodeId) ?? "nothing asks for it";
      return { ...base, connected: false, notConnected };
    }
    const { laneCount, sentBytes, receivedBytes } = session.stats;
    const rtt = session.rttMs === undefined ? {} : { rttMs: session.rttMs };
    return { ...base, connected: true, lanes: laneCount, sentBytes, receivedBytes, ...rtt };
  }
}

/** A queue is a candidate only when it is known which start of its node holds it. */
function tellsDemands({ demands, incarnation }: NamedPeer): boolean {
  return demands !== undefined && incarnation !== undefined;
}

function endpointsOf(
  neighbour: Neighbour,
): Omit<Extract<DiallerInput, { type: "neighbour" }>, "type"> {
  const { nodeId, incarnation, endpoints } = neighbour;
  return incarnation === undefined ? { nodeId, endpoints } : { nodeId, endpoints, incarnation };
}

function sightingOf(
  announcement: Announcement,
): Extract<NeighbourInput, { type: "sighted" }>["sighting"] {
  return {
    nodeId: announcement.nodeId,
    incarnation: Number(announcement.incarnation),
    endpoints: announcement.addresses.map((host) => ({ host, port: announcement.sessionPort })),
    demands: announcement.demands,
    ttlMs: Infinity,
  };
}
