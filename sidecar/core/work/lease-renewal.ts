/** What a capability says of the leases it holds, while they run and after a reconnect. */
import type { Lease, ToDemand } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { CapabilityState } from "./capability-state.ts";
import type { PoolLink } from "./held-lease.ts";
import { maxNamed, toDemand } from "./messages.ts";

/** Renews the leases that the sidecar keeps alive. @param onlyRenewed false: all that run. */
export function renewLink(
  state: CapabilityState,
  link: PoolLink,
  nowMs: number,
  onlyRenewed = true,
): void {
  const { target } = link;
  link.renewAtMs = nowMs + target.leaseDurationMs / 3;
  let leases: Lease[] = [];
  const flush = (): void => {
    if (leases.length > 0) state.send(link, renewOf(leases, false));
    leases = [];
  };
  for (const lease of target.leases.values()) {
    if (lease.phase !== "running" || (onlyRenewed && !lease.renewed)) continue;
    leases.push(lease.wire);
    if (lease.renewed) {
      lease.untilMs = nowMs + target.leaseDurationMs;
      state.book.look(lease, lease.untilMs);
    }
    if (leases.length >= maxNamed) flush();
  }
  flush();
}

/** A Renew. @param progress the application itself reported. */
export function renewOf(leases: Lease[], progress: boolean): ToDemand {
  return toDemand({
    case: "renew",
    value: { $typeName: "spillway.work.v1.Renew", leases, progress },
  });
}

/** After a reconnect: STARTED and verbs may have been lost on the way, and are the same twice. */
export function repeatHeld(state: CapabilityState, link: PoolLink, nowMs: number): void {
  for (const lease of link.target.leases.values()) {
    if (lease.phase === "running") {
      state.sayStarted(lease);
      if (lease.renewed) {
        lease.untilMs = nowMs + link.target.leaseDurationMs;
        state.book.look(lease, lease.untilMs);
      }
    } else if (lease.phase === "settling" && lease.verb !== undefined) {
      state.send(link, lease.verb.message);
    }
  }
}
