/** What is wrong with what a sidecar sends, or does not read. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import { refusal } from "./refusal.ts";

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

/** Of resources that do not select the pod. @param uids at least one. */
export function notSelected(uids: readonly string[]): Refusal {
  const [uid = ""] = uids;
  const message =
    `${uids.length.toString()} resources were told that do not select this pod, the first with ` +
    `uid ${JSON.stringify(uid)}. They are dropped; tell what the last ConfigDelta named.`;
  return refusal(RefusalCode.NOT_SELECTED, message, { uid });
}

/** Answers pile up. */
export function tooSlow(): Refusal {
  const message =
    `${controlLimits.maxAnswers.toString()} answers wait and none is read. Read the stream, then ` +
    "attach again.";
  return refusal(RefusalCode.TOO_SLOW, message);
}
