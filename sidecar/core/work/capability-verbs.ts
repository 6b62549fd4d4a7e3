/** The four verbs and the heartbeat at the provider: kept until the demand has confirmed them. */
import type {
  ApplicationError,
  Settled,
  ToDemand,
} from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { SettledStatus } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { assertNever } from "../ports.ts";
import type { CapabilityInput, WorkVerb } from "./capability-events.ts";
import { closeIfIdle } from "./capability-links.ts";
import type { CapabilityState } from "./capability-state.ts";
import { type HeldLease, leaseKey, type PoolLink } from "./held-lease.ts";
import type { ApplicationErrorFacts, ItemState } from "./item.ts";
import { renewOf } from "./lease-renewal.ts";
import { toDemand } from "./messages.ts";
import type { WorkRefusal } from "./refusal.ts";
import { leaseRefusal } from "./ticket.ts";

/** Calls that may wait for the answer to one verb. */
const maxCalls = 16;

type SettlingVerb = Exclude<WorkVerb, { readonly verb: "heartbeat" }>;

/** Takes a verb of the application. */
export function takeVerb(
  state: CapabilityState,
  input: Extract<CapabilityInput, { readonly type: "verb" }>,
  nowMs: number,
): void {
  const { call, verb } = input;
  const lease = state.book.get(input.lease);
  if (lease === undefined || lease.phase === "parked") {
    const known = state.remembered.get(input.lease);
    if (known?.name === verb.verb) {
      state.reply(call, { kind: "settled", state: known.state, cancelled: false });
    } else {
      refuse(state, call, leaseRefusal(input.lease));
    }
    return;
  }
  if (verb.verb === "heartbeat") {
    takeHeartbeat(state, call, lease, nowMs);
    return;
  }
  const tooLarge = resultTooLarge(state, verb);
  if (tooLarge !== undefined) {
    refuse(state, call, tooLarge);
    return;
  }
  switch (lease.phase) {
    case "running":
      settle(state, lease, { verb, calls: [call] }, nowMs);
      return;
    case "settling":
      joinVerb(state, lease, call, verb);
      return;
    case "ended":
      takeLateVerb(state, lease, { verb, call }, nowMs);
      return;
    default:
      assertNever(lease.phase);
  }
}

/**
 * Says a verb for the sidecar itself or for the application, and keeps it until it is confirmed.
 */
export function settle(
  state: CapabilityState,
  lease: HeldLease,
  said: { readonly verb: SettlingVerb; readonly calls: number[] },
  nowMs: number,
): void {
  const message = verbMessage(lease, said.verb);
  lease.verb = { name: said.verb.verb, message, calls: said.calls };
  state.book.setPhase(lease, "settling");
  state.book.look(lease, nowMs + state.options.verbTimeoutMs);
  state.say(lease.target, message);
}

/** The demand's word on leases: the answer to verbs, or the news that they are gone. */
export function takeSettled(
  state: CapabilityState,
  link: PoolLink,
  settled: Settled,
  nowMs: number,
): void {
  for (const each of settled.leases) {
    const lease = link.target.leases.get(leaseKey(each));
    if (lease?.wire.delivery === each.delivery) takeWord(state, lease, settled, nowMs);
  }
  closeIfIdle(state, link);
}

function takeWord(state: CapabilityState, lease: HeldLease, settled: Settled, nowMs: number): void {
  if (settled.status !== SettledStatus.LEASE_LOST) {
    answerVerb(state, lease, settled);
    return;
  }
  // A verb that is under way gets an answer of its own: its result may still be taken.
  if (lease.verb !== undefined) return;
  const detail = "the demand has ended the lease (it was not renewed in time, or ran too long)";
  state.endLease(lease, { reason: "LEASE_LOST", detail }, nowMs);
}

function answerVerb(state: CapabilityState, lease: HeldLease, settled: Settled): void {
  const { verb } = lease;
  if (verb === undefined) return;
  const itemState = stateOf(settled.state);
  if (settled.status === SettledStatus.ACCEPTED) {
    state.remembered.add(lease.token, { name: verb.name, state: itemState });
  }
  for (const call of verb.calls) {
    if (settled.status === SettledStatus.ACCEPTED) {
      state.reply(call, { kind: "settled", state: itemState, cancelled: false });
    } else if (settled.status === SettledStatus.INVALID_RESULT) {
      refuse(state, call, {
        code: "INVALID_PAYLOAD",
        detail: "The result is not a valid response message; it was counted as a failed attempt.",
      });
    } else {
      const detail = `The lease is no longer held (the item is ${settled.state || "unknown"}); nothing changed.`;
      refuse(state, call, { code: "STALE_LEASE", detail, value: settled.state });
    }
  }
  state.book.forget(lease);
}

function takeHeartbeat(
  state: CapabilityState,
  call: number,
  lease: HeldLease,
  nowMs: number,
): void {
  if (lease.phase === "running") {
    if (state.say(lease.target, renewOf([lease.wire], true))) {
      lease.untilMs = nowMs + lease.target.leaseDurationMs;
      state.book.look(lease, lease.untilMs);
    }
    state.reply(call, { kind: "settled", state: "leased", cancelled: false });
  } else if (lease.phase === "ended" && lease.endReason === "CANCELLED") {
    state.reply(call, { kind: "settled", state: "cancelled", cancelled: true });
  } else {
    refuse(state, call, staleOf(lease));
  }
}

/** A copy of the verb under way waits with it; another verb comes too late. */
function joinVerb(
  state: CapabilityState,
  lease: HeldLease,
  call: number,
  verb: SettlingVerb,
): void {
  if (lease.verb?.name !== verb.verb) {
    refuse(state, call, staleOf(lease));
  } else if (lease.verb.calls.length >= maxCalls) {
    const detail = `${String(maxCalls)} calls wait for the answer to this verb already.`;
    refuse(state, call, { code: "TOO_MANY_WAITERS", detail, bound: maxCalls });
  } else {
    lease.verb.calls.push(call);
  }
}

/**
 * The lease is gone; a result may still be taken while nobody else has the item: the demand
 * decides.
 */
function takeLateVerb(
  state: CapabilityState,
  lease: HeldLease,
  said: { readonly verb: SettlingVerb; readonly call: number },
  nowMs: number,
): void {
  if (lease.endReason === "LEASE_LOST" && said.verb.verb === "complete") {
    settle(state, lease, { verb: said.verb, calls: [said.call] }, nowMs);
    return;
  }
  refuse(state, said.call, staleOf(lease));
  state.book.forget(lease);
}

function resultTooLarge(state: CapabilityState, verb: WorkVerb): WorkRefusal | undefined {
  const bound = state.options.maxResultBytes;
  if (verb.verb !== "complete" || verb.result.length <= bound) return undefined;
  return {
    code: "PAYLOAD_TOO_LARGE",
    detail: `The result has ${String(verb.result.length)} bytes; the bound is ${String(bound)}. Send less, or fail the item.`,
    bound,
    value: verb.result.length,
  };
}

function staleOf(lease: HeldLease): WorkRefusal {
  const why =
    lease.endReason === "CANCELLED" ? "the producer cancelled the item" : "it is no longer held";
  return {
    code: "STALE_LEASE",
    detail: `The lease has ended: ${why}. Nothing changed; drop the item.`,
  };
}

function refuse(state: CapabilityState, call: number, refusal: WorkRefusal): void {
  state.reply(call, { kind: "refused", refusal });
}

function verbMessage(lease: HeldLease, verb: SettlingVerb): ToDemand {
  const { wire } = lease;
  switch (verb.verb) {
    case "complete": {
      const { result } = verb;
      const value = { $typeName: "spillway.work.v1.Complete", lease: wire, result } as const;
      return toDemand({ case: "complete", value });
    }
    case "fail": {
      const error = errorMessage(verb.error);
      const value = { $typeName: "spillway.work.v1.Fail", lease: wire, error } as const;
      const { delayMs } = verb;
      return toDemand({
        case: "fail",
        value:
          delayMs === undefined ? value : { ...value, delayMs: Math.max(0, Math.round(delayMs)) },
      });
    }
    case "reject": {
      const error = errorMessage(verb.error);
      const value = { $typeName: "spillway.work.v1.Reject", lease: wire, error } as const;
      return toDemand({ case: "reject", value });
    }
    case "release": {
      const reason = verb.reason.slice(0, 4_096);
      const value = { $typeName: "spillway.work.v1.Release", lease: wire, reason } as const;
      return toDemand({ case: "release", value });
    }
    default:
      return assertNever(verb);
  }
}

function errorMessage(error: ApplicationErrorFacts): ApplicationError {
  return {
    $typeName: "spillway.work.v1.ApplicationError",
    code: error.code.slice(0, 64),
    message: error.message.slice(0, 4_096),
    retryable: error.retryable,
    details: error.details.length <= 16_384 ? error.details : "",
  };
}

const itemStates: readonly ItemState[] = [
  "ready",
  "leased",
  "delayed",
  "done",
  "dead",
  "cancelled",
  "expired",
];

/** A state that a later version may name is shown as `ready`: the item is no longer ours. */
function stateOf(text: string): ItemState {
  return itemStates.find((state) => state === text) ?? "ready";
}
