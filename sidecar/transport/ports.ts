/**
 * PeerTransport: how the node reaches other nodes. Two implementations, one conformance suite:
 * WebTransport over HTTP/2 (`webtransport/`) and in-process (`memory/`).
 */
import type { Incarnation, NodeId } from "../core/ports.ts";
import type { SessionCloseCode } from "../wire/close-code.ts";

/** The other side of a PeerSession, proven by its certificate and its SessionHello. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  /** SHA-256 of the leaf certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Address and port as seen here, for logs and status. */
  readonly address: string;
}

export type { SessionCloseCode };

/** The end of a PeerSession. */
export interface SessionEnd {
  readonly code: SessionCloseCode;
  /** One sentence for a person: what was refused, the value, the bound. */
  readonly reason: string;
  /** True when a GOODBYE was sent or received: what the peer held can be ended at once. */
  readonly clean: boolean;
}

/** Counters of a PeerSession. */
export interface SessionStats {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly laneCount: number;
  readonly channelCount: number;
}

/** A long-lived bidirectional lane that carries messages on numbered channels. */
export interface Lane {
  /**
   * Channel 0 is open at both sides from the beginning and is never closed.
   * @returns a channel number that neither side has used: odd at the dialler, even at the acceptor.
   * @throws {TransportError} `TOO_MANY_CHANNELS` above 1,024 of this side; `CLOSED` after the end.
   */
  openChannel(): number;
  /** Tells the other side that the channel is over, after what waits on it, and forgets it. */
  closeChannel(channel: number): void;
  /**
   * Sends one message, in order per channel. What the peer gave no credit for waits here: at most
   * 32 MiB a channel and 64 MiB a session. On a channel that the peer has closed it is dropped.
   * @param message owned by the lane from now on.
   * @returns false when the message is greater than 16 MiB or a send queue is over its bound: the
   *   session is being closed with `LIMIT_EXCEEDED` and the message is dropped with it. Also false
   *   once the session has ended.
   */
  send(channel: number, message: Uint8Array): boolean;
  /** Writes what was sent now instead of at the end of the turn: the peer works on it meanwhile. */
  flush(): void;
  /** Bytes that wait for credit or for the network, over all channels. */
  readonly queuedBytes: number;
  /**
   * Sets the one receiver.
   * @param listener gets a whole message as a view that is valid only during the call; its bytes
   *   count as consumed when it returns, unless the channel is held.
   */
  onMessage(listener: (channel: number, message: Uint8Array) => void): void;
  /** Sets the one listener of channels that the peer closed. */
  onChannelClosed(listener: (channel: number) => void): void;
  /** Stops giving credit for a channel: messages wait, within the credit given, until `resume`. */
  hold(channel: number): void;
  /** Delivers what waits and gives credit again. */
  resume(channel: number): void;
}

/** A secured, heartbeaten session with one peer. */
export interface PeerSession {
  readonly peer: PeerIdentity;
  /** True on the side that dialled: only it opens lanes. */
  readonly dialled: boolean;
  /** Round trip of an application ping, EWMA, ms; undefined before the first answer. */
  readonly rttMs: number | undefined;
  readonly stats: SessionStats;
  /**
   * Opens a data lane (the control lane is the session's own).
   * @throws {TransportError} `ACCEPTOR_OPENS_LANE` on the accepting side; `TOO_MANY_LANES` above 8;
   *   `CLOSED` after the end.
   */
  openLane(): Lane;
  /** Sets the one receiver of lanes that the dialler opened. */
  onLane(listener: (lane: Lane) => void): void;
  /** Says GOODBYE and closes. Extra calls are harmless. */
  close(code: SessionCloseCode, reason: string): void;
  /** Adds a listener of the end; called exactly once, also when it has ended already. */
  onClosed(listener: (end: SessionEnd) => void): void;
}

/** Whom to dial. */
export interface DialTarget {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
}

/** Opens and accepts PeerSessions; keeps at most one with each node. */
export interface PeerTransport {
  /**
   * Starts to accept.
   * @returns the bound address.
   * @throws {TransportError} `LISTEN_FAILED` naming address and cause.
   */
  listen(address: { host: string; port: number }): Promise<{ host: string; port: number }>;
  /**
   * Dials a node, or takes the session that there is; resolves once both have proven who they are.
   * @throws {TransportError} `DIAL_FAILED`, or the close code of the refusal, within 5 s.
   */
  dial(target: DialTarget): Promise<PeerSession>;
  /** Sets the one receiver of sessions that others dialled, once they are open. */
  onSession(listener: (session: PeerSession) => void): void;
  /** Open sessions. */
  sessions(): readonly PeerSession[];
  /** Says GOODBYE to every peer, stops listening, resolves when all is closed (at most 2 s). */
  close(reason: string): Promise<void>;
}
