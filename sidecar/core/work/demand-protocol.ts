/** What each message of a link does to the queue. Nothing that a peer sends throws. */
import type {
  ApplicationError,
  Complete,
  Credit,
  Fail,
  Lease,
  Renew,
  Started,
  ToDemand,
} from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { SettledStatus } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { assertNever } from "../ports.ts";
import { obstacleOf } from "./application-obstacle.ts";
import { breakLink, loseLink, takeHello } from "./demand-admission.ts";
import type { DemandLink } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import { EndedItem } from "./ended-item.ts";
import {
  type ApplicationErrorFacts,
  type DemandProvider,
  Item,
  type ItemLease,
  type LeaseEnd,
} from "./item.ts";
import { maxNamed, toProvider } from "./messages.ts";
import { maxDurationMs } from "./option-bound.ts";

/** A link, and when its message came. */
interface Arrival {
  readonly link: DemandLink;
  readonly nowMs: number;
}

/** Takes one message of a link. */
export function takeMessage(
  state: DemandState,
  link: DemandLink,
  message: ToDemand,
  nowMs: number,
): void {
  const { kind } = message;
  const from: Arrival = { link, nowMs };
  // A message of a later version: not ours to judge.
  if (kind.case === undefined) return;
  if (kind.case === "hello") {
    takeHello(state, link, kind.value, nowMs);
    return;
  }
  if (link.phase === "opened") {
    breakLink(state, link, `${kind.case} before Hello`, nowMs);
    return;
  }
  switch (kind.case) {
    case "credit":
      takeCredit(state, from, kind.value);
      return;
    case "started":
      takeStarted(state, from, kind.value);
      return;
    case "complete":
      takeVerb(state, from, completeVerb(state, from, kind.value));
      return;
    case "fail":
      takeVerb(state, from, failVerb(state, from, kind.value));
      return;
    case "reject":
      takeVerb(state, from, {
        lease: kind.value.lease,
        end: "reject",
        apply: (item, lease) => {
          state.settlement.reject(item, lease, factsOf(kind.value.error, false), nowMs);
          return SettledStatus.ACCEPTED;
        },
      });
      return;
    case "release":
      takeVerb(state, from, {
        lease: kind.value.lease,
        end: "release",
        apply: (item, lease) => {
          state.settlement.release(item, lease, nowMs);
          return SettledStatus.ACCEPTED;
        },
      });
      return;
    case "renew":
      takeRenew(state, from, kind.value);
      return;
    case "obstacle":
      // For explanations only: what is granted follows from credit.
      if (link.provider !== undefined) link.provider.obstacle = obstacleOf(kind.value);
      return;
    case "leave":
      state.closeLink(link.link, "the provider left");
      loseLink(state, link, true, nowMs);
      return;
    default:
      assertNever(kind);
  }
}

function takeCredit(state: DemandState, from: Arrival, credit: Credit): void {
  const { link } = from;
  if (credit.revision <= link.revision) {
    breakLink(state, link, "a Credit revision that does not grow", from.nowMs);
    return;
  }
  link.revision = credit.revision;
  // A guest's grant crossed the message that took its admission: there is nothing to grant to.
  if (link.phase !== "admitted") return;
  const limit = Number(credit.limit);
  const lowered = limit < link.limit;
  state.links.setLimit(link, limit);
  state.credited.push(link);
  if (!lowered) return;
  state.send(
    link.link,
    toProvider({
      case: "creditTaken",
      value: {
        $typeName: "spillway.work.v1.CreditTaken",
        revision: credit.revision,
        delivered: BigInt(link.delivered),
      },
    }),
  );
}

function takeStarted(state: DemandState, { link, nowMs }: Arrival, { leases }: Started): void {
  if (leases.length > maxNamed) {
    breakLink(state, link, "a Started of more than 1,000 leases", nowMs);
    return;
  }
  const { maxRuntimeMs, progressTimeoutMs } = state.options.lease;
  for (const each of leases) {
    const item = heldItem(state, link, each);
    const lease = item?.lease;
    if (item === undefined || lease === undefined || lease.started) continue;
    lease.started = true;
    lease.runtimeUntilMs = nowMs + maxRuntimeMs;
    lease.progressUntilMs = nowMs + (progressTimeoutMs ?? Infinity);
    state.store.reschedule(item);
  }
}

function takeRenew(state: DemandState, from: Arrival, renew: Renew): void {
  const { link, nowMs } = from;
  if (renew.leases.length > maxNamed) {
    breakLink(state, link, "a Renew of more than 1,000 leases", nowMs);
    return;
  }
  const { durationMs, progressTimeoutMs } = state.options.lease;
  for (const lease of renew.leases) {
    const item = heldItem(state, link, lease);
    if (item?.lease === undefined) {
      const known = state.store.get(Number(lease.sequence));
      state.tellSettled(link.link, lease, SettledStatus.LEASE_LOST, known?.state ?? "");
      continue;
    }
    item.lease.untilMs = nowMs + durationMs;
    if (renew.progress && item.lease.progressUntilMs !== Infinity) {
      item.lease.progressUntilMs = nowMs + (progressTimeoutMs ?? Infinity);
    }
  }
}

/** A verb of a provider on one lease. */
interface Verb {
  readonly lease: Lease | undefined;
  readonly end: LeaseEnd;
  /** Ends the lease. */
  apply(item: Item, lease: ItemLease): SettledStatus;
}

/**
 * Applies a verb if its lease is held; a copy of one that took effect is confirmed again; any other
 * changes nothing. A result may also come late: while the item waits for its next grant.
 */
function takeVerb(state: DemandState, from: Arrival, verb: Verb): void {
  const { link } = from;
  if (verb.lease === undefined) {
    breakLink(state, link, `a ${verb.end} without a lease`, from.nowMs);
    return;
  }
  const item = state.store.get(Number(verb.lease.sequence));
  const lease = item instanceof Item ? leaseOfLink(item, link, verb.lease) : undefined;
  if (!(item instanceof Item) || lease === undefined) {
    const copy = item instanceof EndedItem && isCopy(item, link, verb);
    const status = copy ? SettledStatus.ACCEPTED : SettledStatus.STALE_LEASE;
    state.tellSettled(link.link, verb.lease, status, item?.state ?? "");
    return;
  }
  let status: SettledStatus = SettledStatus.STALE_LEASE;
  if (lease.end === undefined) {
    status = verb.apply(item, lease);
  } else if (lease.end === verb.end) {
    status = SettledStatus.ACCEPTED;
  } else if (isLateComplete(item, lease, verb.end)) {
    status = verb.apply(item, lease);
    if (status === SettledStatus.ACCEPTED) state.counters.lateCompletes += 1;
  }
  state.tellSettled(link.link, verb.lease, status, item.state);
}

function isLateComplete(item: Item, lease: ItemLease, end: LeaseEnd): boolean {
  return (
    end === "complete" &&
    lease.end === "lapsed" &&
    lease === item.lease &&
    (item.state === "ready" || item.state === "delayed")
  );
}

function completeVerb(state: DemandState, from: Arrival, complete: Complete): Verb {
  return {
    lease: complete.lease,
    end: "complete",
    apply: (item, lease) => {
      const fault = resultFault(state, complete.result);
      if (fault === undefined) {
        state.settlement.complete(item, lease, complete.result, from.nowMs);
        return SettledStatus.ACCEPTED;
      }
      // A late result that is invalid changes nothing: its attempt was counted when it lapsed.
      if (lease.end !== undefined) return SettledStatus.STALE_LEASE;
      const error = { code: "INVALID_RESULT", message: fault, retryable: true, details: "" };
      const attempt = { error, reason: fault, delayMs: undefined };
      state.settlement.fail(item, "fail", attempt, { options: state.options, nowMs: from.nowMs });
      return SettledStatus.INVALID_RESULT;
    },
  };
}

function failVerb(state: DemandState, from: Arrival, fail: Fail): Verb {
  return {
    lease: fail.lease,
    end: "fail",
    apply: (item) => {
      const error = factsOf(fail.error, true);
      const delayMs =
        fail.delayMs === undefined ? undefined : Math.min(fail.delayMs, maxDurationMs);
      const attempt = { error, reason: error.message, delayMs };
      state.settlement.fail(item, "fail", attempt, { options: state.options, nowMs: from.nowMs });
      return SettledStatus.ACCEPTED;
    },
  };
}

function resultFault(state: DemandState, result: Uint8Array): string | undefined {
  const bound = state.options.queue.maxPayloadBytes;
  if (result.length > bound) {
    return `the result has ${String(result.length)} bytes; the bound is ${String(bound)}`;
  }
  return state.components.results?.check(result);
}

/** The item whose live lease this is, held by the link's provider. */
function heldItem(state: DemandState, link: DemandLink, wire: Lease | undefined): Item | undefined {
  if (wire === undefined) return undefined;
  const item = state.store.get(Number(wire.sequence));
  if (!(item instanceof Item)) return undefined;
  const lease = leaseOfLink(item, link, wire);
  return lease !== undefined && lease.end === undefined ? item : undefined;
}

/** The item's lease of that delivery, if the link's provider (in this incarnation) got it. */
function leaseOfLink({ lease }: Item, link: DemandLink, wire: Lease): ItemLease | undefined {
  const named = lease?.wire.delivery === wire.delivery ? lease : lease?.previous;
  if (named?.wire.delivery !== wire.delivery || link.provider === undefined) return undefined;
  return sameProvider(named.provider, link.provider) ? named : undefined;
}

/** The verb is a copy of the one that ended the delivery of an item that is over. */
function isCopy(item: EndedItem, { provider }: DemandLink, verb: Verb): boolean {
  const past = verb.lease === undefined ? undefined : item.deliveryOf(verb.lease.delivery);
  if (past === undefined || provider === undefined || past.end !== verb.end) return false;
  return sameProvider(past.provider, provider);
}

/**
 * A provider whose link and leases ended is forgotten, and known by a new record when it comes
 * back.
 */
function sameProvider(left: DemandProvider, right: DemandProvider): boolean {
  return (
    left === right ||
    (left.incarnation === right.incarnation &&
      left.nodeId === right.nodeId &&
      left.capability === right.capability)
  );
}

function factsOf(error: ApplicationError | undefined, retryable: boolean): ApplicationErrorFacts {
  if (error === undefined) {
    return { code: "UNKNOWN", message: "the provider named no error", retryable, details: "" };
  }
  return {
    code: error.code.slice(0, 64),
    message: error.message.slice(0, 4_096),
    retryable: retryable && error.retryable,
    details: error.details.length <= 16_384 ? error.details : "",
  };
}
