/**
 * What carries a PeerSession: byte lanes and nothing else. WebTransport and the in-process pair
 * implement it; framing, credit, heartbeat and the handshake are above it, once, for both.
 */

/** One bidirectional byte stream of a carrier. */
export interface ByteLane {
  /**
   * Sends bytes in order. Never blocks and never throws: what is written after the end is dropped.
   * @param bytes owned by the lane from now on: the caller never changes them again.
   */
  write(bytes: Uint8Array): void;
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
  /** Sets the one receiver of lanes that the dialler opened, in the order in which it opened them. */
  onLane(listener: (lane: ByteLane) => void): void;
  /** Ends the connection at once. Extra calls are harmless. */
  close(reason: string): void;
  /** Sets the one listener of the end; called exactly once, also when it has ended already. */
  onClose(listener: (close: CarrierClose) => void): void;
}
