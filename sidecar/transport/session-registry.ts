/**
 * Which of two sessions with one node stays. Pure, and made so that both nodes come to the same
 * answer whatever arrives first:
 * 1. The newer incarnation of the peer wins: the older process is gone.
 * 2. Same dialler: the newer session wins (`SUPERSEDED`), since a node dials again only when it has
 *    lost the older one, even if the other side has not noticed yet.
 * 3. Both dialled: the session dialled by the lower node id wins (`DUPLICATE_SESSION`).
 */
import type { Incarnation, NodeId } from "../core/ports.ts";
import type { SessionCloseCode } from "../wire/close-code.ts";

/** What is compared of a session. */
export interface SessionFacts {
  /** Incarnation of the peer. */
  readonly incarnation: Incarnation;
  /** True when this node dialled. */
  readonly dialled: boolean;
}

/** Which one goes, and the code and sentence it gets. */
export interface SessionVerdict {
  readonly goes: "candidate" | "existing";
  readonly code: SessionCloseCode;
  readonly reason: string;
}

/**
 * @param localId this node.
 * @param peerId the node that both sessions are with; never `localId`.
 */
export function judgeSessions(
  ids: { readonly localId: NodeId; readonly peerId: NodeId },
  existing: SessionFacts,
  candidate: SessionFacts,
): SessionVerdict {
  if (candidate.incarnation !== existing.incarnation) {
    const newer = Math.max(candidate.incarnation, existing.incarnation);
    return {
      goes: candidate.incarnation < existing.incarnation ? "candidate" : "existing",
      code: "SUPERSEDED",
      reason: `the node has a newer incarnation, ${newer}`,
    };
  }
  if (candidate.dialled === existing.dialled) {
    const reason = "the same dialler has a newer session";
    return { goes: "existing", code: "SUPERSEDED", reason };
  }
  const lowerIsLocal = ids.localId < ids.peerId;
  const lower = lowerIsLocal ? ids.localId : ids.peerId;
  return {
    goes: candidate.dialled === lowerIsLocal ? "existing" : "candidate",
    code: "DUPLICATE_SESSION",
    reason: `both sides dialled; the session dialled by ${lower} stays`,
  };
}
