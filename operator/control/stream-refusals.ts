/** Why one stream ends, or is not taken. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { refusal } from "./refusal.ts";

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
