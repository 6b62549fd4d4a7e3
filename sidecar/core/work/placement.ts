/**
 * Which demands a capability joins: first those below desired, then those below max, by score, up
 * to maxDemands; a choice among the best by weight, a jittered start, and belief corrected by FULL
 * (design/work.md, "Placement"). Moves between demands come with its second half.
 */
import type { NodeId } from "../ports.ts";
import type { Candidate } from "./capability-events.ts";
import { closeLink, openLink } from "./capability-links.ts";
import type { CapabilityState } from "./capability-state.ts";
import type { Target } from "./held-lease.ts";
import { activeCount, countTry, forgetIfGone, newTarget, owes, targetKey } from "./target.ts";
import { chooseByWeight, medianOf, rankGroup, type RankGroup, scoreOf } from "./ranking.ts";

/** A chosen node that cannot be reached in this time is left for a while, ms. */
const reachTimeoutMs = 10_000;

/** Candidates kept at most; further ones are not looked at. */
const maxTargets = 10_000;

/** Takes over the list of known demands. */
export function takeCandidates(state: CapabilityState, candidates: readonly Candidate[]): void {
  for (const target of state.targets.values()) target.announced = false;
  for (const candidate of candidates) {
    const key = targetKey(candidate.nodeId, candidate.demand);
    let target = state.targets.get(key);
    if (target === undefined) {
      if (state.targets.size >= maxTargets) continue;
      target = newTarget(candidate);
      state.targets.set(key, target);
    }
    target.announced = true;
    target.announcedRttMs = candidate.rttMs;
    // A link tells more, and sooner, than announcements do.
    if (target.link?.phase === "joined") continue;
    target.desired = candidate.desired;
    target.max = candidate.max;
    target.connected = candidate.connected;
  }
  for (const target of state.targets.values()) forgetIfGone(state, target);
}

/** Chooses, opens links whose time has come, gives up what cannot be reached. */
export function place(state: CapabilityState, nowMs: number): void {
  for (const target of state.targets.values()) {
    if (target.link !== undefined) continue;
    if (target.chosen && nowMs >= target.chosenAtMs + reachTimeoutMs) {
      target.reason = "its node could not be reached";
      countTry(state, target, true, nowMs);
    }
  }
  if (!state.draining) chooseMore(state, nowMs);
  for (const target of state.targets.values()) {
    if (target.link !== undefined || !state.sessions.has(target.nodeId)) continue;
    const due = target.chosen && nowMs >= target.joinAtMs;
    // What is held has to be renewed and settled, whatever the ranking says.
    const owed = owes(target) && nowMs >= target.retryAtMs;
    if (due || owed) openLink(state, target, nowMs);
  }
}

/** When `place` has something to do by itself. */
export function placementDeadlineMs(state: CapabilityState): number {
  let deadlineMs = Infinity;
  const full = activeCount(state) >= state.options.maxDemands;
  for (const target of state.targets.values()) {
    if (target.link !== undefined) {
      if (target.link.phase === "asking")
        deadlineMs = Math.min(deadlineMs, target.link.askedUntilMs);
      continue;
    }
    const reachable = state.sessions.has(target.nodeId);
    if (target.chosen) {
      const joinMs = reachable ? target.joinAtMs : Infinity;
      deadlineMs = Math.min(deadlineMs, target.chosenAtMs + reachTimeoutMs, joinMs);
    } else if (owes(target)) {
      if (reachable) deadlineMs = Math.min(deadlineMs, target.retryAtMs);
    } else if (
      !full &&
      !state.draining &&
      target.announced &&
      rankGroup(rankable(state, target)) !== undefined
    ) {
      deadlineMs = Math.min(deadlineMs, target.retryAtMs);
    }
  }
  return deadlineMs;
}

/** Nodes that a session is wanted with. */
export function wantedNodes(state: CapabilityState): Set<NodeId> {
  const nodes = new Set<NodeId>();
  for (const target of state.targets.values()) {
    if (target.chosen || target.link !== undefined || owes(target)) {
      nodes.add(target.nodeId);
    }
  }
  return nodes;
}

/** Leaves what is over maxDemands and owes nothing; the lowest score first. */
export function leaveSurplus(state: CapabilityState): void {
  const median = medianOf(knownRtts(state));
  const idle = [...state.targets.values()]
    .filter((target) => target.chosen && target.leases.size === 0)
    .sort((left, right) => score(state, left, median) - score(state, right, median));
  for (const target of idle) {
    if (activeCount(state) <= state.options.maxDemands) return;
    target.chosen = false;
    if (target.link !== undefined) closeLink(state, target.link, "fewer demands are served now");
  }
}

/** The score of a demand as of now. */
export function targetScore(state: CapabilityState, target: Target): number {
  return score(state, target, medianOf(knownRtts(state)));
}

function chooseMore(state: CapabilityState, nowMs: number): void {
  let free = state.options.maxDemands - activeCount(state);
  if (free <= 0) return;
  const median = medianOf(knownRtts(state));
  const groups: readonly { candidate: Target; score: number }[][] = [[], []];
  for (const target of state.targets.values()) {
    const group = joinable(state, target, nowMs);
    if (group === undefined) continue;
    groups[group]?.push({ candidate: target, score: score(state, target, median) });
  }
  for (const group of groups) {
    group.sort((left, right) => right.score - left.score);
    while (free > 0 && group.length > 0) {
      const chosen = chooseByWeight(group, state.options.choices, state.components.random);
      const index = group.findIndex((ranked) => ranked.candidate === chosen);
      const [ranked] = group.splice(Math.max(0, index), 1);
      if (ranked === undefined) return;
      const { random } = state.components;
      ranked.candidate.chosen = true;
      ranked.candidate.chosenAtMs = nowMs;
      ranked.candidate.joinAtMs = nowMs + Math.round(random.next() * state.options.joinJitterMs);
      free -= 1;
    }
  }
}

function joinable(state: CapabilityState, target: Target, nowMs: number): RankGroup | undefined {
  if (target.chosen || !target.announced || target.link !== undefined) return undefined;
  if (nowMs < target.retryAtMs) return undefined;
  return rankGroup(rankable(state, target));
}

function score(state: CapabilityState, target: Target, medianRttMs: number | undefined): number {
  return scoreOf(rankable(state, target), state.options.rttScale, medianRttMs);
}

function rankable(state: CapabilityState, target: Target): Parameters<typeof scoreOf>[0] {
  const { desired, max, connected, errorRate } = target;
  return { desired, max, connected, errorRate, rttMs: state.rttOf(target) };
}

function knownRtts(state: CapabilityState): number[] {
  const known: number[] = [];
  for (const target of state.targets.values()) {
    const rttMs = state.rttOf(target);
    if (rttMs !== undefined) known.push(rttMs);
  }
  return known;
}
