/** Why an operator takes no stream at all. */
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
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
