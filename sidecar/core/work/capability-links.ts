/** Links of a capability: Hello and its answers, what a lost link means for what is held. */
import type { Admit, Providers, ToDemand } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { CapabilityState } from "./capability-state.ts";
import { leaseKey, type PoolLink, type Target, type TargetRefusal } from "./held-lease.ts";
import { renewLink, repeatHeld } from "./lease-renewal.ts";
import { metIncarnation } from "./lost-queue.ts";
import { maxNamed, toDemand } from "./messages.ts";
import { activeCount, countTry, forgetIfGone } from "./target.ts";

/** An unanswered Hello is given up after this, ms. */
const answerTimeoutMs = 5_000;

/** A demand that drains, or whose contract differs, is asked again after this, ms. */
const drainingRetryMs = 5_000;
const incompatibleRetryMs = 30_000;

/**
 * What a demand may ask of this side, whatever it says: no renewal or dial more often than this.
 */
const minLeaseDurationMs = 1_000;
const retryRangeMs = { min: 100, max: 60_000 } as const;

/** Opens a link and says Hello, naming what is still held. */
export function openLink(state: CapabilityState, target: Target, nowMs: number): void {
  const link: PoolLink = {
    link: state.nextLink(),
    target,
    phase: "asking",
    limit: 0,
    received: 0,
    revision: 0,
    loweredFrom: undefined,
    backlog: 0,
    renewAtMs: Infinity,
    askedUntilMs: nowMs + answerTimeoutMs,
  };
  target.link = link;
  target.refusal = undefined;
  state.links.set(link.link, link);
  const { nodeId, demand } = target;
  state.emit({ type: "openLink", link: link.link, nodeId, demand });
  state.send(link, helloOf(state, target));
}

/** Says Leave and closes: only while nothing is held. */
export function closeLink(state: CapabilityState, link: PoolLink, reason: string): void {
  const leave = toDemand({
    case: "leave",
    value: { $typeName: "spillway.work.v1.Leave", reason },
  });
  if (link.phase !== "asking") state.send(link, leave);
  state.emit({ type: "closeLink", link: link.link, reason });
  dropLink(state, link);
}

/** Closes without a word: what is held stays held, and is named by the next Hello. */
export function abandonLink(state: CapabilityState, link: PoolLink, reason: string): void {
  state.emit({ type: "closeLink", link: link.link, reason });
  dropLink(state, link);
}

/**
 * The link is gone. What the application had not got is given up: the demand was never told
 * STARTED.
 */
export function dropLink(state: CapabilityState, link: PoolLink): void {
  const { target } = link;
  state.links.delete(link.link);
  if (target.link === link) target.link = undefined;
  for (const lease of [...target.leases.values()]) {
    if (lease.phase !== "parked") continue;
    state.unpark(lease);
    state.book.forget(lease);
  }
  state.placementDirty = true;
  forgetIfGone(state, target);
}

/** The demand lets the provider in. */
export function takeAdmit(
  state: CapabilityState,
  link: PoolLink,
  admit: Admit,
  nowMs: number,
): void {
  const { target } = link;
  if (link.phase !== "asking") return;
  // Asked only to settle what was held: it does not go beyond maxDemands.
  const surplus = !target.chosen && activeCount(state) >= state.options.maxDemands;
  link.phase = surplus ? "guest" : "joined";
  target.leaseDurationMs = Math.max(minLeaseDurationMs, admit.leaseDurationMs);
  link.renewAtMs = nowMs + target.leaseDurationMs / 3;
  target.chosen = !surplus;
  target.reason = "";
  countTry(state, target, false, nowMs);
  takeProviders(target, admit.providers);
  metIncarnation(state, target, Number(admit.incarnation), nowMs);
  const kept = new Set(admit.kept.map(leaseKey));
  for (const lease of [...target.leases.values()]) {
    if (lease.phase !== "running" || kept.has(leaseKey(lease.wire))) continue;
    const detail = "the demand gave it to others while the connection was lost";
    state.endLease(lease, { reason: "LEASE_LOST", detail }, nowMs);
  }
  repeatHeld(state, link, nowMs);
  if (state.obstacle !== undefined) state.sendObstacle(link);
  state.placementDirty = true;
  closeIfIdle(state, link);
}

/**
 * The demand does not let the provider in, or no more. What is held may still be settled over the
 * link; it is closed when nothing is.
 */
export function takeRefusal(
  state: CapabilityState,
  link: PoolLink,
  refusal: {
    readonly kind: TargetRefusal;
    readonly reason: string;
    readonly retryAfterMs?: number;
  },
  nowMs: number,
): void {
  const { target } = link;
  const wasAsking = link.phase === "asking";
  link.phase = "guest";
  link.loweredFrom = undefined;
  link.renewAtMs = nowMs + target.leaseDurationMs / 3;
  target.chosen = false;
  target.refusal = refusal.kind;
  target.reason = refusal.reason;
  const defaultMs = refusal.kind === "incompatible" ? incompatibleRetryMs : drainingRetryMs;
  const asked = refusal.retryAfterMs ?? defaultMs;
  target.retryAtMs = nowMs + Math.min(retryRangeMs.max, Math.max(retryRangeMs.min, asked));
  state.placementDirty = true;
  if (wasAsking) {
    repeatHeld(state, link, nowMs);
    // The refusal does not say which leases are kept; a Renew is answered for those that are not.
    renewLink(state, link, nowMs, false);
  }
  closeIfIdle(state, link);
}

/** A guest that holds nothing any more leaves. */
export function closeIfIdle(state: CapabilityState, link: PoolLink): void {
  if (link.phase !== "guest") return;
  for (const lease of link.target.leases.values()) {
    if (lease.phase !== "ended") return;
  }
  closeLink(state, link, "nothing is held any more");
}

/** Providers as the demand counts them. */
export function takeProviders(target: Target, providers: Providers | undefined): void {
  if (providers === undefined) return;
  target.desired = providers.desired;
  target.max = providers.max;
  target.connected = providers.connected;
}

function helloOf(state: CapabilityState, target: Target): ToDemand {
  const leases = [...target.leases.values()];
  // What runs comes first: an unnamed verb costs at most a repetition, an unnamed run its work.
  const held = [
    ...leases.filter((lease) => lease.phase === "running"),
    ...leases.filter((lease) => lease.phase === "settling"),
  ]
    .slice(0, maxNamed)
    .map((lease) => lease.wire);
  const { contract, name, options } = state;
  return toDemand({
    case: "hello",
    value: {
      $typeName: "spillway.work.v1.Hello",
      demand: target.demand,
      request: contract.request,
      response: contract.response,
      contractHash: contract.contractHash,
      capability: name,
      capacity: options.concurrency,
      held,
      heldOfIncarnation: BigInt(held.length === 0 ? 0 : target.grantedBy),
    },
  });
}
