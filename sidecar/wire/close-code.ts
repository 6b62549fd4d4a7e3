/**
 * Why a PeerSession ends: the closed list that GOODBYE frames carry. A peer that sends another word
 * has sent something malformed.
 */
export const sessionCloseCodes = [
  /** The node stops. */
  "SHUTDOWN",
  /** The node takes no more work and hands over what it has. */
  "DRAINING",
  /** Neither side has had a use for the session for a while. */
  "IDLE",
  /** Both sides dialled; the session dialled by the lower node id is kept. */
  "DUPLICATE_SESSION",
  /** The same dialler (or a newer incarnation of the node) has a newer session. */
  "SUPERSEDED",
  /** HELLO, certificate and what was dialled do not name the same node, cluster and namespace. */
  "IDENTITY_MISMATCH",
  /** The two sides computed different values from the same advertisements. */
  "NEGOTIATION_MISMATCH",
  /** A capability that both sides need has no value in common. */
  "NO_COMMON_VALUE",
  /** Bytes that no peer of this version sends. */
  "MALFORMED",
  /** A stated bound was exceeded. */
  "LIMIT_EXCEEDED",
  /** This node failed to handle a message, by a bug of its own; see its log. */
  "INTERNAL",
  /** The opening was not finished in time. */
  "OPEN_TIMEOUT",
  /** No frame arrived for three heartbeats. */
  "HEARTBEAT_TIMEOUT",
  /** The connection ended without a GOODBYE. */
  "TRANSPORT_LOST",
] as const;

/** One of the closed list. */
export type SessionCloseCode = (typeof sessionCloseCodes)[number];

const known: ReadonlySet<string> = new Set(sessionCloseCodes);

/** @returns true when a word that a peer sent is one of the closed list. */
export function isSessionCloseCode(word: string): word is SessionCloseCode {
  return known.has(word);
}
