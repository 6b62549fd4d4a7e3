/** Why a certificate request is not taken. The stream goes on. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import { refusal } from "./refusal.ts";

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
