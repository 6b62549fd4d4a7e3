/** A demand as the provider remembers it: made, tried, forgotten. */
import { ChurnMap } from "../churn-map.ts";
import type { NodeId } from "../ports.ts";
import type { Candidate } from "./capability-events.ts";
import type { CapabilityState } from "./capability-state.ts";
import type { Target } from "./held-lease.ts";

/** First and last delay before a target that failed is tried again, ms. */
const retryFirstMs = 500;
const retryLastMs = 30_000;

/** Weight of the newest try in the error rate. */
const errorWeight = 0.2;

/** A demand that was not known before. */
export function newTarget(candidate: Candidate): Target {
  return {
    key: targetKey(candidate.nodeId, candidate.demand),
    nodeId: candidate.nodeId,
    demand: candidate.demand,
    announced: true,
    desired: candidate.desired,
    max: candidate.max,
    connected: candidate.connected,
    announcedRttMs: candidate.rttMs,
    errorRate: 0,
    chosen: false,
    joinAtMs: 0,
    chosenAtMs: 0,
    retryAtMs: 0,
    refusal: undefined,
    reason: "",
    link: undefined,
    grantedBy: 0,
    leaseDurationMs: 15_000,
    leases: new ChurnMap(),
  };
}

/** Names a demand of a node. */
export function targetKey(nodeId: NodeId, demand: string): string {
  return `${nodeId}/${demand}`;
}

/** Forgets a demand that is neither announced nor linked nor owed anything. */
export function forgetIfGone(state: CapabilityState, target: Target): void {
  if (target.announced || target.link !== undefined || target.leases.size > 0) return;
  state.targets.delete(target.key);
}

/** A try to reach or keep a demand went well or not. */
export function countTry(
  state: CapabilityState,
  target: Target,
  failed: boolean,
  nowMs: number,
): void {
  target.errorRate = (1 - errorWeight) * target.errorRate + (failed ? errorWeight : 0);
  if (!failed) return;
  target.chosen = false;
  state.placementDirty = true;
  const ceilingMs = Math.min(retryLastMs, retryFirstMs * 2 ** (10 * target.errorRate));
  target.retryAtMs = nowMs + Math.round(ceilingMs * (0.5 + 0.5 * state.components.random.next()));
}

/** Demands that are joined or on the way to it. */
export function activeCount(state: CapabilityState): number {
  let count = 0;
  for (const target of state.targets.values()) if (target.chosen) count += 1;
  return count;
}

/** True while the demand has to hear of leases: to renew or to settle them. */
export function owes(target: Target): boolean {
  for (const lease of target.leases.values()) {
    if (lease.phase === "running" || lease.phase === "settling") return true;
  }
  return false;
}
