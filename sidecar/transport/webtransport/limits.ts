/** The bounds and settings of a connection, stated once for both sides. */

/** Path of the CONNECT. */
export const sessionPath = "/spillway/v1";

/** An opening that takes longer, from the first packet to the accepted CONNECT, is cut. */
export const openTimeoutMs = 5_000;

/** Connections that are being opened at a time, at most. */
export const maxOpening = 256;

/** Connections in all at a time, at most: above the 1,000 providers that a Demand may have. */
export const maxConnections = 4_096;

const mebibyte = 1024 * 1024;

/** Receive window of a lane: powers of two, since the package halves and doubles. */
export const laneWindowBytes = 4 * mebibyte;

/** Receive window of a session over all its lanes. */
export const sessionWindowBytes = 16 * mebibyte;

/** Receive window of HTTP/2, for the stream and for the connection. */
export const http2WindowBytes = mebibyte;

/**
 * Options that both constructors of the package take. Windows begin at their limit: the package
 * stalls for ever with smaller ones. The package's own time-outs lie behind ours, since a handshake
 * that ends after the first of them ends the process.
 */
export const packageOptions = {
  initialStreamFlowControlWindow: laneWindowBytes,
  streamFlowControlWindowSizeLimit: laneWindowBytes,
  initialSessionFlowControlWindow: sessionWindowBytes,
  sessionFlowControlWindowSizeLimit: sessionWindowBytes,
  // The allowance of streams is not given back by the package: high, and bounded by `maxLanes`.
  initialBidirectionalStreams: 65_536,
  initialBidirectionalSendStreams: 65_536,
  quicConnectTimeout: 2 * openTimeoutMs,
  webTransportConnectTimeout: 2 * openTimeoutMs,
} as const;
