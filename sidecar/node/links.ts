/**
 * Links: one capability and one demand talking over one channel of a PeerSession, or inside this
 * node when it holds both. The engines know a link by its number only.
 */
import type { NodeId } from "../core/ports.ts";
import type { Logger } from "../runtime/index.ts";
import type { Lane, PeerSession } from "../transport/ports.ts";
import { TransportError } from "../transport/index.ts";

/** Number of a link in this node; never used twice. */
export type LinkId = number;

/** Whoever a link belongs to on this side. */
export interface LinkOwner {
  /** @param message whole, a view that is valid only during the call. */
  onMessage(link: LinkId, message: Uint8Array): void;
  /** @param clean true when the peer said that it ends. Called once; the link is gone then. */
  onLost(link: LinkId, clean: boolean): void;
}

/** The other end of a link. */
export interface LinkPeer {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  /** Undefined for a link inside the node. */
  readonly session: PeerSession | undefined;
}

/** What the links tell the node. */
export interface LinkEvents {
  /** A peer's capability opens a link: the owner that takes it. */
  accept(link: LinkId, peer: LinkPeer): LinkOwner;
  /** A peer says which demands it holds (bytes of a discovery.v1.Announcement). */
  announcement(session: PeerSession, bytes: Uint8Array): void;
  /** The session has its data lane: links can be opened. */
  ready(session: PeerSession): void;
}

/** The channel on which both sides say which demands they hold. */
const announcementChannel = 0;

interface SessionEntry {
  readonly session: PeerSession;
  readonly lane: Lane;
  readonly linkByChannel: Map<number, LinkId>;
}

type Route =
  | { readonly kind: "remote"; readonly entry: SessionEntry; readonly channel: number }
  | { readonly kind: "local"; readonly other: LinkId };

interface Link {
  readonly owner: LinkOwner;
  readonly route: Route;
}

/** All links of a node. */
export class Links {
  readonly #own: LinkPeer;
  readonly #events: LinkEvents;
  readonly #logger: Logger;
  readonly #links = new Map<LinkId, Link>();
  readonly #entries = new Map<NodeId, SessionEntry>();
  #next: LinkId = 1;

  constructor(
    own: { readonly nodeId: NodeId; readonly incarnation: number },
    events: LinkEvents,
    logger: Logger,
  ) {
    this.#own = { nodeId: own.nodeId, incarnation: own.incarnation, session: undefined };
    this.#events = events;
    this.#logger = logger;
  }

  /** Takes a session that has just opened. The dialler's side opens its data lane. */
  attach(session: PeerSession): void {
    session.onClosed((end) => {
      // Only a node that ends gives up what it holds; after any other close it comes back.
      const ends = end.code === "SHUTDOWN" || end.code === "DRAINING";
      this.#detach(session, end.clean && ends);
    });
    if (session.dialled) {
      const lane = laneOf(session);
      if (lane !== undefined) this.#adopt(session, lane);
    } else {
      session.onLane((lane) => {
        this.#adopt(session, lane);
      });
    }
  }

  /**
   * Opens a link to a demand of a node.
   * @returns undefined when there is no session with that node, or no channel is left on it.
   */
  open(nodeId: NodeId, owner: LinkOwner): LinkId | undefined {
    if (nodeId === this.#own.nodeId) {
      return this.#openLocal(owner);
    }
    const entry = this.#entries.get(nodeId);
    if (entry === undefined) {
      return undefined;
    }
    try {
      return this.#add(entry, entry.lane.openChannel(), { link: this.#next++, owner });
    } catch (error) {
      // The session ended in this turn, or carries as many channels as it may: no link now.
      if (error instanceof TransportError) return undefined;
      throw error;
    }
  }

  /** Sends a message; one on a link that is gone is dropped, for its owner has been told. */
  send(link: LinkId, message: Uint8Array): void {
    const route = this.#links.get(link)?.route;
    if (route === undefined) {
      return;
    }
    if (route.kind === "remote") {
      route.entry.lane.send(route.channel, message);
      return;
    }
    // A turn later, as over a network: an engine is never entered while it is being left.
    queueMicrotask(() => {
      this.#deliverLocally(route.other, message);
    });
  }

  /**
   * A bug: this node failed to handle a message of the link. It ends the session, or the link
   * inside the node, not the process.
   */
  fail(link: LinkId, error: unknown): void {
    this.#logger.error({ err: error, link }, "a message could not be handled");
    const route = this.#links.get(link)?.route;
    if (route?.kind === "remote") {
      const reason = `${this.#own.nodeId} failed to handle a message; its log says more`;
      route.entry.session.close("INTERNAL", reason);
      return;
    }
    const gone = this.#remove(link);
    gone?.owner.onLost(link, false);
    if (gone?.route.kind === "local") {
      this.#remove(gone.route.other)?.owner.onLost(gone.route.other, false);
    }
  }

  /** What was sent goes out now: peers work on it while this node goes on. */
  flush(): void {
    for (const { lane } of this.#entries.values()) lane.flush();
  }

  #deliverLocally(link: LinkId, message: Uint8Array): void {
    try {
      this.#links.get(link)?.owner.onMessage(link, message);
    } catch (error) {
      this.fail(link, error);
    }
  }

  /** Ends a link on this side and tells the other; the own owner is not called. */
  close(link: LinkId): void {
    const gone = this.#remove(link);
    if (gone?.route.kind === "remote") {
      gone.route.entry.lane.closeChannel(gone.route.channel);
    } else if (gone !== undefined) {
      const { other } = gone.route;
      queueMicrotask(() => {
        this.#remove(other)?.owner.onLost(other, false);
      });
    }
  }

  /** A peer broke the protocol: its session ends. Inside the node that is a bug of this program. */
  refuse(link: LinkId, reason: string): void {
    const route = this.#links.get(link)?.route;
    if (route?.kind === "local") {
      throw new Error(`the node does not understand itself: ${reason}`);
    }
    route?.entry.session.close("MALFORMED", reason);
  }

  /** Says to every connected peer which demands this node holds. */
  announce(bytes: Uint8Array): void {
    for (const entry of this.#entries.values()) {
      entry.lane.send(announcementChannel, bytes.slice());
    }
  }

  /** Says it to one peer. */
  announceTo(session: PeerSession, bytes: Uint8Array): void {
    const entry = this.#entries.get(session.peer.nodeId);
    if (entry?.session === session) {
      entry.lane.send(announcementChannel, bytes.slice());
    }
  }

  /** True while any link runs over the session. */
  inUse(session: PeerSession): boolean {
    const entry = this.#entries.get(session.peer.nodeId);
    return entry?.session === session && entry.linkByChannel.size > 0;
  }

  #adopt(session: PeerSession, lane: Lane): void {
    const replaced = this.#entries.get(session.peer.nodeId);
    if (replaced !== undefined) {
      this.#detach(replaced.session, false);
    }
    const entry: SessionEntry = { session, lane, linkByChannel: new Map() };
    this.#entries.set(session.peer.nodeId, entry);
    lane.onChannelClosed((channel) => {
      const link = entry.linkByChannel.get(channel);
      // Not clean: a peer that gives up what it holds has said Leave before.
      if (link !== undefined) this.#remove(link)?.owner.onLost(link, false);
    });
    lane.onMessage((channel, message) => {
      if (channel === announcementChannel) {
        this.#events.announcement(session, message);
      } else {
        this.#receive(entry, channel, message);
      }
    });
    this.#events.ready(session);
  }

  #receive(entry: SessionEntry, channel: number, message: Uint8Array): void {
    const link = entry.linkByChannel.get(channel) ?? this.#accept(entry, channel);
    this.#links.get(link)?.owner.onMessage(link, message);
  }

  #accept(entry: SessionEntry, channel: number): LinkId {
    const { session } = entry;
    const { nodeId, incarnation } = session.peer;
    const link = this.#next++;
    const owner = this.#events.accept(link, { nodeId, incarnation, session });
    return this.#add(entry, channel, { link, owner });
  }

  #add(
    entry: SessionEntry,
    channel: number,
    { link, owner }: { readonly link: LinkId; readonly owner: LinkOwner },
  ): LinkId {
    entry.linkByChannel.set(channel, link);
    this.#links.set(link, { owner, route: { kind: "remote", entry, channel } });
    return link;
  }

  #openLocal(owner: LinkOwner): LinkId {
    const near = this.#next++;
    const far = this.#next++;
    this.#links.set(near, { owner, route: { kind: "local", other: far } });
    const farOwner = this.#events.accept(far, this.#own);
    this.#links.set(far, { owner: farOwner, route: { kind: "local", other: near } });
    return near;
  }

  #detach(session: PeerSession, clean: boolean): void {
    const entry = this.#entries.get(session.peer.nodeId);
    if (entry?.session === session) {
      this.#entries.delete(session.peer.nodeId);
    }
    for (const [link, { owner, route }] of [...this.#links]) {
      if (route.kind === "remote" && route.entry.session === session) {
        this.#links.delete(link);
        owner.onLost(link, clean);
      }
    }
  }

  #remove(link: LinkId): Link | undefined {
    const gone = this.#links.get(link);
    this.#links.delete(link);
    if (gone?.route.kind === "remote") {
      gone.route.entry.linkByChannel.delete(gone.route.channel);
    }
    return gone;
  }
}

/** @returns undefined when the session ended in the turn in which it opened. */
function laneOf(session: PeerSession): Lane | undefined {
  try {
    return session.openLane();
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}
