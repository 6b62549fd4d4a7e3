/**
 * From delivered items to the application: parking, pulls, and the STARTED that goes before.
 */
import type { Delivery } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { CapabilityInput, PulledWork } from "./capability-events.ts";
import { abandonLink } from "./capability-links.ts";
import type { CapabilityState } from "./capability-state.ts";
import type { HeldLease, PoolLink } from "./held-lease.ts";
import { outstandingOf } from "./held-lease.ts";
import { toDemand } from "./messages.ts";
import type { WaitingPull } from "./pull-line.ts";
import { countTry } from "./target.ts";

/** Items that one pull may ask for, and how long it may wait. */
const maxPull = 1_000;
const maxWaitMs = 300_000;

/** Takes in delivered items; `assign` hands them on. */
export function takeDeliveries(
  state: CapabilityState,
  link: PoolLink,
  deliveries: readonly Delivery[],
  nowMs: number,
): void {
  for (const delivery of deliveries) {
    if (outstandingOf(link) === 0 || !park(state, link, delivery, nowMs)) {
      countTry(state, link.target, true, nowMs);
      abandonLink(state, link, "MALFORMED: a delivery without credit or without a lease");
      return;
    }
  }
}

/** Hands parked items to whoever waits. */
export function assign(state: CapabilityState, nowMs: number): void {
  if (state.draining) return;
  while (state.parked.length > 0) {
    const pull = state.pulls.first();
    if (pull === undefined) return;
    answer(state, pull, nowMs);
  }
}

/** Takes a pull: answered at once from what is parked, else it waits. */
export function takePull(
  state: CapabilityState,
  input: Extract<CapabilityInput, { readonly type: "pull" }>,
  nowMs: number,
): void {
  const { call, max, waitMs, presence } = input;
  const refuse = (
    code: "INVALID_ARGUMENT" | "UNKNOWN_PRESENCE" | "TOO_MANY_WAITERS" | "DRAINING",
    detail: string,
  ): void => {
    state.reply(call, { kind: "refused", refusal: { code, detail } });
  };
  if (state.draining) {
    refuse("DRAINING", `The capability ${state.name} is ending and gives out no more items.`);
  } else if (!Number.isInteger(max) || max < 1 || max > maxPull) {
    refuse("INVALID_ARGUMENT", `max is ${String(max)}; it must be 1 to ${String(maxPull)}.`);
  } else if (!(waitMs >= 0 && waitMs <= maxWaitMs)) {
    refuse(
      "INVALID_ARGUMENT",
      `wait is ${String(waitMs)} ms; it must be 0 to ${String(maxWaitMs)}.`,
    );
  } else if (presence !== undefined && !state.presences.has(presence)) {
    refuse("UNKNOWN_PRESENCE", "The presence is not open. Open the presence stream first.");
  } else if (state.pulls.size >= state.options.maxPulls) {
    refuse("TOO_MANY_WAITERS", `${String(state.pulls.size)} pulls wait already. Pull less often.`);
  } else {
    const pull: WaitingPull = { call, max, untilMs: nowMs + waitMs, presence, timerIndex: -1 };
    state.lingerSlots = Math.max(0, state.lingerSlots - max);
    state.pulls.join(pull);
    if (state.parked.length > 0 && state.pulls.first() === pull) answer(state, pull, nowMs);
  }
}

/** Answers a pull whose time is over with nothing. */
export function endPull(state: CapabilityState, pull: WaitingPull, nowMs: number): void {
  state.pulls.leave(pull.call);
  linger(state, pull.max, nowMs);
  state.reply(pull.call, { kind: "pulled", items: [] });
}

/** Gives a parked item back: no attempt is counted, since it was never started. */
export function returnParked(state: CapabilityState, lease: HeldLease, reason: string): void {
  const value = { $typeName: "spillway.work.v1.Release", lease: lease.wire, reason } as const;
  state.say(lease.target, toDemand({ case: "release", value }));
  state.unpark(lease);
  state.book.forget(lease);
}

function park(state: CapabilityState, link: PoolLink, delivery: Delivery, nowMs: number): boolean {
  if (delivery.lease === undefined) return false;
  const token = state.tokens.write(delivery.ticket, delivery.lease.delivery);
  if (token === undefined || state.book.get(token) !== undefined) return false;
  link.received += 1;
  const item: PulledWork = {
    ticket: delivery.ticket,
    lease: token,
    attempt: delivery.attempt,
    request: delivery.request,
    ...(delivery.deadlineMs !== undefined && { deadlineMs: delivery.deadlineMs }),
    ...(delivery.traceparent !== "" && { traceparent: delivery.traceparent }),
  };
  const lease: HeldLease = {
    token,
    wire: delivery.lease,
    item,
    target: link.target,
    phase: "parked",
    presence: undefined,
    renewed: false,
    untilMs: nowMs + link.target.leaseDurationMs,
    verb: undefined,
    endReason: undefined,
    dueMs: nowMs + state.options.parkMs,
    timerIndex: -1,
  };
  state.parked.push(lease);
  state.book.add(lease);
  return true;
}

function answer(state: CapabilityState, pull: WaitingPull, nowMs: number): void {
  state.pulls.leave(pull.call);
  const leases = state.parked.splice(0, pull.max);
  for (const lease of leases) start(state, lease, pull.presence, nowMs);
  linger(state, pull.max - leases.length, nowMs);
  state.reply(pull.call, { kind: "pulled", items: leases.map((lease) => lease.item) });
}

function start(
  state: CapabilityState,
  lease: HeldLease,
  presence: string | undefined,
  nowMs: number,
): void {
  state.book.setPhase(lease, "running");
  lease.presence = presence;
  lease.renewed = presence !== undefined;
  lease.untilMs = Math.max(lease.untilMs, nowMs);
  state.book.look(lease, lease.untilMs);
  state.sayStarted(lease);
}

/** An application that pulls mostly pulls again: its credit stays out for a moment. */
function linger(state: CapabilityState, slots: number, nowMs: number): void {
  if (slots <= 0 || state.options.lingerMs === 0) return;
  const still = nowMs < state.lingerUntilMs ? state.lingerSlots : 0;
  state.lingerSlots = Math.max(still, slots);
  state.lingerUntilMs = nowMs + state.options.lingerMs;
}
