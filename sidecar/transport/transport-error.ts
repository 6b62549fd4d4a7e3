import type { SessionCloseCode } from "../wire/close-code.ts";

/**
 * What can fail in this room. A session's own close code stands for a dial that the other side (or
 * this one, looking at the other side) refused.
 * - `LISTEN_FAILED`: the address could not be bound.
 * - `DIAL_FAILED`: no connection came about.
 * - `ACCEPTOR_OPENS_LANE`: only the dialling side opens lanes.
 * - `TOO_MANY_LANES`, `TOO_MANY_CHANNELS`: the bound of a session, of a lane.
 * - `CLOSED`: the session or the transport has ended.
 * - `BAD_CREDENTIALS`: certificate, key or authority cannot be used.
 * - `PACKAGE_CHANGED`: a part of the WebTransport package that we rely on is not there.
 */
export type TransportErrorCode =
  | "LISTEN_FAILED"
  | "DIAL_FAILED"
  | "ACCEPTOR_OPENS_LANE"
  | "TOO_MANY_LANES"
  | "TOO_MANY_CHANNELS"
  | "CLOSED"
  | "BAD_CREDENTIALS"
  | "PACKAGE_CHANGED"
  | SessionCloseCode;

/** The one error class of `sidecar/transport`. Match on `code`. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
