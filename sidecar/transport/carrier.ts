/**
 * What carries a PeerSession: byte lanes and nothing else. WebTransport and the in-process pair
 * implement it; framing, credit, heartbeat and the handshake are above it, once, for both.
 */

import type { DialTarget } from "./ports.ts";

/** One bidirectional byte stream of a carrier. */
export interface ByteLane {
  /**
   * Bytes that the caller leaves free in the same ArrayBuffer just before every view it writes.
   * They belong to the lane, which puts its own header there instead of copying. 0: none needed.
   */
  readonly headerRoomBytes: number;
  /**
   * Sends bytes in order. Never blocks and never throws: what is written after the end is dropped.
   * @param bytes a view with `headerRoomBytes` free bytes before it; view and room are owned by the
   *   lane until `written` is called: the caller neither reads nor changes them.
   * @param written called once, in the order of the writes, when the lane reads the bytes no more;
   *   with an error, or never, when the lane ended before: they are the lane's for ever then, as
   *   they are when it is left out.
   */
  write(bytes: Uint8Array, written?: (error?: Error | null) => void): void;
  /**
   * Sets the one receiver. Bytes that came earlier are delivered at once.
   * @param sink gets each chunk as a view that is valid only during the call.
   */
  onBytes(sink: (chunk: Uint8Array) => void): void;
  /** Sets the one listener of the lane's end (either side ended it, or the carrier closed). */
  onEnd(listener: () => void): void;
  /** Bytes written that the carrier has not passed to the system yet. */
  readonly bufferedBytes: number;
}

/** Why a carrier closed, as far as the carrier itself can tell. */
export interface CarrierClose {
  /** A sentence for a person; empty when nothing is known. */
  readonly reason: string;
  /** The error beneath, if there was one. */
  readonly cause?: Error;
}

/** Who the other side proved to be, read once from its certificate. */
export interface CertificateIdentity {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
  /** SHA-256 of the leaf certificate, lower-case hex. */
  readonly fingerprint: string;
}

/** An open connection to one peer. */
export interface Carrier {
  /** True on the side that dialled: only it opens lanes. */
  readonly dialled: boolean;
  /** The peer's certificate. With `noCa` it is self-signed, and only its name is known. */
  readonly peer: CertificateIdentity;
  /** Address and port of the peer, for logs. */
  readonly remoteAddress: string;
  /**
   * Opens a lane.
   * @throws {TransportError} `ACCEPTOR_OPENS_LANE` on the accepting side.
   */
  openLane(): ByteLane;
  /** Sets the one receiver of lanes that the dialler opened, in the order of their opening. */
  onLane(listener: (lane: ByteLane) => void): void;
  /** Ends the connection at once. Extra calls are harmless. */
  close(reason: string): void;
  /** Sets the one listener of the end; called exactly once, also when it has ended already. */
  onClose(listener: (close: CarrierClose) => void): void;
}

/** A listener that a factory opened. */
export interface CarrierListener {
  /** The bound address; its port is never 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** Stops to accept; carriers that are open stay open. Extra calls are harmless. */
  close(): Promise<void>;
}

/**
 * Makes carriers: what a PeerTransport is built from. It holds the node's credentials and proves
 * and checks certificates (chain, cluster and namespace of the SAN URI; on the dialling side also
 * the node id); all else is checked above.
 */
export interface CarrierFactory {
  /**
   * Starts to accept.
   * @param accept called for each connection whose peer is proven, before it hands over any lane.
   *   It sets the carrier's listeners before it returns, and never throws.
   * @throws {TransportError} `LISTEN_FAILED` naming address and cause.
   */
  listen(
    address: { readonly host: string; readonly port: number },
    accept: (carrier: Carrier) => void,
  ): Promise<CarrierListener>;
  /**
   * Opens a connection to `target` and proves that it is `target.nodeId`.
   * @param signal aborted when the caller's time is over or the transport closes: everything that
   *   was begun is then destroyed and the promise rejects with `DIAL_FAILED`. The caller always
   *   bounds the time by it.
   * @throws {TransportError} `DIAL_FAILED` naming address and cause; `IDENTITY_MISMATCH` when the
   *   certificate names somebody else.
   */
  dial(target: DialTarget, signal: AbortSignal): Promise<Carrier>;
}
