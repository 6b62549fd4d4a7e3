import type { Http2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ByteLane, Carrier, CarrierClose, CertificateIdentity } from "../carrier.ts";
import { TransportError } from "../transport-error.ts";
import type { DirectLane } from "./direct-lane.ts";
import { DirectSession } from "./direct-session.ts";

/** Time that a close may take to reach the peer before the connection is cut. */
const closeGraceMs = 500;

/** What a carrier is made of. */
export interface CarrierParts {
  /** The package's native session; taken over. */
  readonly native: unknown;
  readonly dialled: boolean;
  readonly peer: CertificateIdentity;
  readonly remoteAddress: string;
  readonly http2Session: Http2Session;
  /** The socket beneath the HTTP/2 session, not the session's proxy of it. */
  readonly socket: TLSSocket;
  /** Told when the peer broke the protocol; the carrier is closed then. */
  readonly onFault: (reason: string) => void;
}

/**
 * A connection to a peer over WebTransport. `open` → `closing` (our close is on its way to the
 * peer) → `closed`; a lost connection goes from either to `closed` at once.
 */
export class WebTransportCarrier implements Carrier {
  readonly dialled: boolean;
  readonly peer: CertificateIdentity;
  readonly remoteAddress: string;
  readonly #parts: CarrierParts;
  readonly #session: DirectSession;
  #state: "open" | "closing" | "closed" = "open";
  #laneListener: ((lane: ByteLane) => void) | undefined;
  #earlyLanes: DirectLane[] = [];
  #closeListener: ((close: CarrierClose) => void) | undefined;
  #close: CarrierClose = { reason: "" };
  #grace: NodeJS.Timeout | undefined;

  /** @throws {TransportError} `PACKAGE_CHANGED`. */
  constructor(parts: CarrierParts) {
    this.dialled = parts.dialled;
    this.peer = parts.peer;
    this.remoteAddress = parts.remoteAddress;
    this.#parts = parts;
    this.#session = new DirectSession(parts.native, parts.dialled, {
      lane: (lane) => {
        if (this.#laneListener === undefined) this.#earlyLanes.push(lane);
        else this.#laneListener(lane);
      },
      fault: (reason) => {
        parts.onFault(reason);
        this.#finish({ reason });
        this.destroy();
      },
      peerClosed: (reason) => {
        this.#close = { reason };
      },
    });
    this.#session.onStreamClose((cause) => {
      this.#finish(cause === undefined ? this.#close : { reason: cause.message, cause });
      this.#endConnection();
    });
    parts.socket.on("error", (cause: Error) => {
      this.#close = { reason: cause.message, cause };
    });
    parts.socket.on("close", () => {
      this.#finish(this.#close);
      clearTimeout(this.#grace);
    });
  }

  openLane(): ByteLane {
    if (!this.dialled) {
      throw new TransportError("ACCEPTOR_OPENS_LANE", "only the dialling side opens lanes");
    }
    if (this.#state !== "open") throw new TransportError("CLOSED", "the connection has ended");
    return this.#session.openLane();
  }

  onLane(listener: (lane: ByteLane) => void): void {
    this.#laneListener = listener;
    const early = this.#earlyLanes;
    this.#earlyLanes = [];
    for (const lane of early) listener(lane);
  }

  close(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#close = { reason };
    this.#grace = setTimeout(() => {
      this.destroy();
    }, closeGraceMs).unref();
    this.#session.close(reason);
  }

  onClose(listener: (close: CarrierClose) => void): void {
    this.#closeListener = listener;
    if (this.#state === "closed") listener(this.#close);
  }

  /** Cuts the connection; nothing more is sent. */
  destroy(): void {
    this.#parts.socket.destroy();
    // The socket's own `close` may be late or, with a half-made connection, not come at all.
    this.#finish(this.#close);
  }

  #finish(close: CarrierClose): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#close = close;
    this.#session.end();
    this.#closeListener?.(close);
  }

  /** The session's stream is over: what is left of the connection is closed, then cut. */
  #endConnection(): void {
    const { http2Session, socket } = this.#parts;
    if (socket.destroyed) return;
    if (!http2Session.closed && !http2Session.destroyed) http2Session.close();
    this.#grace ??= setTimeout(() => {
      socket.destroy();
    }, closeGraceMs).unref();
  }
}
