/** Why an operator takes no stream at all. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import { refusal } from "./refusal.ts";

/** @param leaderAddress `IP:PORT`; undefined: not known. */
export function notLeader(leaderAddress: string | undefined): Refusal {
  if (leaderAddress === undefined) {
    const message = "This operator is not the leader, and who is, is not known. Ask again.";
    return refusal(RefusalCode.NOT_LEADER, message, { retryAfterMs: 500 });
  }
  const message = `This operator is not the leader. Attach at ${leaderAddress}.`;
  return refusal(RefusalCode.NOT_LEADER, message, { leaderAddress });
}

/**
 * The operator ends. A few sidecars may come to the next one at once; many are to take their time.
 * @param streams that end with it.
 */
export function stopping(streams: number): Refusal {
  const message = "This operator ends; another one leads. Attach again.";
  const isFew = streams <= controlLimits.promptHandOvers;
  return refusal(RefusalCode.STOPPING, message, isFew ? {} : { retryAfterMs: 1_000 });
}
