/** What a CapabilityPool shows of itself. */
import type { CapabilityState } from "./capability-state.ts";
import { outstandingOf, type Target } from "./held-lease.ts";
import { targetScore } from "./placement.ts";
import type {
  CapabilityLinkSnapshot,
  CapabilityLinkState,
  CapabilitySnapshot,
} from "./snapshot.ts";

/** The pool as a whole. Cost: a walk of its demands and leases. */
export function capabilitySnapshot(state: CapabilityState, nowMs: number): CapabilitySnapshot {
  let unsettled = 0;
  for (const lease of state.book.all()) if (lease.phase === "settling") unsettled += 1;
  const demands = [...state.targets.values()].map((target) => targetSnapshot(state, target, nowMs));
  const notDelivering = reasonNotDelivering(state, demands);
  return {
    name: state.name,
    running: state.book.occupied,
    slots: state.options.concurrency,
    demands,
    waitingPulls: state.pulls.size,
    presences: state.presences.size,
    unsettled,
    idleMs: state.book.size > 0 ? 0 : nowMs - (state.lastBusyMs ?? nowMs),
    quiesced: state.quiesced,
    draining: state.draining,
    ...(notDelivering !== undefined && { notDelivering }),
  };
}

function targetSnapshot(
  state: CapabilityState,
  target: Target,
  nowMs: number,
): CapabilityLinkSnapshot {
  const rttMs = state.rttOf(target);
  const linkState = stateOf(target);
  const reason = linkState === "joined" ? "" : reasonOf(target, nowMs);
  return {
    demand: target.demand,
    nodeId: target.nodeId,
    state: linkState,
    score: targetScore(state, target),
    ...(rttMs !== undefined && { rttMs }),
    leased: target.leases.size,
    credit: target.link === undefined ? 0 : outstandingOf(target.link),
    ...(reason !== "" && { reason }),
  };
}

function reasonOf(target: Target, nowMs: number): string {
  const waitMs = target.retryAtMs - nowMs;
  if (target.reason === "" || waitMs <= 0) return target.reason;
  return `${target.reason}; asked again in ${String(Math.ceil(waitMs))} ms at the earliest`;
}

function stateOf(target: Target): CapabilityLinkState {
  if (target.link?.phase === "joined") return "joined";
  if (target.link?.phase === "asking") return "asking";
  return target.refusal ?? "waiting";
}

function reasonNotDelivering(
  state: CapabilityState,
  demands: readonly CapabilityLinkSnapshot[],
): string | undefined {
  if (state.draining) return "draining";
  if (state.quiesced) return "the operator asked it to take no further items";
  if (state.obstacle !== undefined) return state.obstacle.detail;
  if (demands.length === 0) return "no demand of its route is known";
  if (!demands.some((demand) => demand.state === "joined")) {
    const reason = demands.find((demand) => demand.reason !== undefined)?.reason;
    return `no demand is joined${reason === undefined ? "" : `: ${reason}`}`;
  }
  if (state.pulls.size === 0 && state.book.occupied === 0) {
    return "the application does not pull";
  }
  return undefined;
}
