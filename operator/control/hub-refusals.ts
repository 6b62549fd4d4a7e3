/** The hub's refusals, each with value, bound and remedy. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import { refusal } from "./refusal.ts";

/** @param leaderAddress `IP:PORT`; undefined: not known. */
export function notLeader(leaderAddress: string | undefined): Refusal {
  if (leaderAddress === undefined) {
    const message = "This operator is not the leader, and who is, is not known. Ask again.";
    return refusal(RefusalCode.NOT_LEADER, message, { retryAfterMs: 1_000 });
  }
  const message = `This operator is not the leader. Attach at ${leaderAddress}.`;
  return refusal(RefusalCode.NOT_LEADER, message, { leaderAddress });
}

/** The operator ends. */
export function stopping(): Refusal {
  return refusal(RefusalCode.STOPPING, "This operator ends; another one leads. Attach again.", {
    retryAfterMs: 1_000,
  });
}

/** A message that is none: `problem` is one clause. */
export function invalid(kind: string, problem: string): Refusal {
  const message = `The message ${kind} is refused: ${problem}. Sidecar and operator may not fit.`;
  return refusal(RefusalCode.MESSAGE_INVALID, message);
}

/** More messages than a sidecar may send. */
export function tooManyMessages(retryAfterMs: number): Refusal {
  const { messagesPerSecond, messageBurst } = controlLimits;
  const message =
    `Too many messages: ${messagesPerSecond.toString()} a second and ` +
    `${messageBurst.toString()} at once are allowed. Attach again later.`;
  return refusal(RefusalCode.RATE_EXCEEDED, message, { retryAfterMs });
}

/** The token is not the pod's that it should be. */
export function otherPod(): Refusal {
  const message =
    "The token is another pod's: namespace, name and uid must be those of the pod that attached. " +
    "Present this pod's own projected token.";
  return refusal(RefusalCode.TOKEN_REFUSED, message);
}

/** @param maxStreams the bound that is reached. */
export function tooManyStreams(maxStreams: number): Refusal {
  const message =
    `This operator has ${maxStreams.toString()} streams, which is its bound. Try again later, ` +
    "and look at the number of sidecars in this cluster.";
  return refusal(RefusalCode.STREAM_LIMIT, message, { retryAfterMs: 10_000 });
}

/** A newer stream of the same pod is there. */
export function replaced(): Refusal {
  return refusal(RefusalCode.REPLACED, "A newer stream of this pod took the place of this one.");
}

/** Of resources that do not select the pod. @param uids at least one. */
export function notSelected(uids: readonly string[]): Refusal {
  const [uid = ""] = uids;
  const message =
    `${uids.length.toString()} resources were told that do not select this pod, the first with ` +
    `uid ${JSON.stringify(uid)}. They are dropped; tell what the last ConfigDelta named.`;
  return refusal(RefusalCode.NOT_SELECTED, message, { uid });
}

/** A certificate request while one is being answered. */
export function certificatePending(): Refusal {
  const message = "The certificate request before is not answered yet. Wait for its answer.";
  return refusal(RefusalCode.CERTIFICATE_LIMIT, message, { retryAfterMs: 1_000 });
}

/** More certificates than a pod may have. */
export function tooManyCertificates(retryAfterMs: number): Refusal {
  const { certificateBurst, certificateEveryMs } = controlLimits;
  const message =
    `Certificates are asked for too often: ${certificateBurst.toString()} at once and one in ` +
    `${certificateEveryMs.toString()} ms are allowed. Ask again later.`;
  return refusal(RefusalCode.CERTIFICATE_LIMIT, message, { retryAfterMs });
}

/** The pod is deleted. */
export function podDeleted(): Refusal {
  const message = "The pod of this stream was deleted. Nothing is left to be done here.";
  return refusal(RefusalCode.POD_DELETED, message);
}

/** The pod is not known after a while. */
export function podUnknown(): Refusal {
  const message =
    "The operator does not know this pod: it watches pods with the label spillway.dev/injected. " +
    "Attach again later.";
  return refusal(RefusalCode.POD_UNKNOWN, message, { retryAfterMs: 1_000 });
}

/** The token ended while the stream was open. */
export function tokenExpired(): Refusal {
  const message =
    "The token of this stream has expired. Attach again with the current token, and send " +
    "Authenticate in time.";
  return refusal(RefusalCode.TOKEN_EXPIRED, message);
}

/** @param silentMs the silence that was too long. */
export function silent(silentMs: number): Refusal {
  const message = `Nothing was heard for ${silentMs.toString()} ms. Attach again.`;
  return refusal(RefusalCode.SILENT, message);
}

/** Answers pile up. */
export function tooSlow(): Refusal {
  const message =
    `${controlLimits.maxAnswers.toString()} answers wait and none is read. Read the stream, then ` +
    "attach again.";
  return refusal(RefusalCode.TOO_SLOW, message);
}
