/**
 * Who may serve the demand: Hello and its four answers, leases over a lost transport, what a newer
 * incarnation ends (design/work.md, "Placement" and "How a lease ends").
 */
import type { Hello, Lease } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { WorkContract } from "./demand-events.ts";
import type { DemandLink } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import type { DemandProvider, Item } from "./item.ts";
import { providersOf, toProvider } from "./messages.ts";

/** Leases that one Hello may name. */
const maxHeld = 1_000;

/** A refused provider asks again after this and up to as much more, ms. */
const retryAfterMs = 1_000;

/** Takes the first message of a link. */
export function takeHello(state: DemandState, link: DemandLink, hello: Hello, nowMs: number): void {
  if (link.phase !== "opened" || hello.demand !== state.name || hello.held.length > maxHeld) {
    breakLink(state, link, "a Hello that does not fit the link", nowMs);
    return;
  }
  if (!endOlder(state, link, nowMs)) return;
  const provider = state.links.provider(link.peer, hello.capability);
  const kept = keepHeld(state, provider, hello, nowMs);
  if (detachEarlier(state, provider, link)) state.providersChanged = true;
  state.links.attach(link, provider);
  provider.slots = hello.capacity;
  provider.obstacle = undefined;
  const differing = contractDifference(state.contract, hello);
  if (differing === undefined) state.mismatches.forget(provider);
  if (differing !== undefined) {
    const { nodeId, capability } = provider;
    state.mismatches.note({ nodeId, capability, reason: differing }, nowMs);
    sendIncompatible(state, link, differing);
  } else if (state.draining || state.closed) {
    sendDraining(state, link);
  } else if (state.links.admittedCount >= state.options.maxProviders) {
    sendFull(state, link);
  } else {
    admit(state, link, kept);
    state.providersChanged = true;
  }
}

/**
 * The link is over. `clean`: what its provider holds ends at once; else it is kept until it lapses.
 */
export function loseLink(
  state: DemandState,
  link: DemandLink,
  clean: boolean,
  nowMs: number,
): void {
  if (link.phase === "admitted") state.providersChanged = true;
  const provider = state.links.detach(link);
  if (provider === undefined) return;
  if (clean) endLeases(state, provider, "the provider left", nowMs);
  state.links.release(provider);
}

/** Closes a link whose peer broke the protocol; its leases stay until they lapse. */
export function breakLink(
  state: DemandState,
  link: DemandLink,
  reason: string,
  nowMs: number,
): void {
  state.counters.malformed += 1;
  state.closeLink(link.link, `MALFORMED: ${reason}`);
  loseLink(state, link, false, nowMs);
}

/**
 * Brings the links in line with changed options, contract or drain: nobody above the bounds stays
 * in.
 */
export function reviewLinks(state: DemandState): void {
  for (const link of state.links.all()) {
    if (link.phase !== "admitted") continue;
    if (state.closed) {
      state.links.demote(link);
      sendDraining(state, link);
    } else if (state.links.admittedCount > state.options.maxProviders) {
      state.links.demote(link);
      sendFull(state, link);
    }
  }
}

/** The contract changed: every link has to introduce itself again. */
export function refuseContract(state: DemandState, reason: string): void {
  for (const link of state.links.all()) {
    if (link.phase !== "admitted") continue;
    state.links.demote(link);
    sendIncompatible(state, link, reason);
    state.providersChanged = true;
  }
}

/** True when both name the same types and hash. */
export function sameContract(left: WorkContract, right: WorkContract): boolean {
  return (
    left.request === right.request &&
    left.response === right.response &&
    sameBytes(left.contractHash, right.contractHash)
  );
}

/**
 * Ends what older starts of the node hold.
 * @returns false when the link itself is of an older one.
 */
function endOlder(state: DemandState, link: DemandLink, nowMs: number): boolean {
  for (const provider of state.links.providersOfNode(link.peer.nodeId)) {
    if (provider.incarnation === link.peer.incarnation) continue;
    if (provider.incarnation > link.peer.incarnation) {
      state.closeLink(link.link, "SUPERSEDED: the node has started again since");
      state.links.detach(link);
      return false;
    }
    if (detachEarlier(state, provider, link)) state.providersChanged = true;
    endLeases(state, provider, "the provider's node started again", nowMs);
    state.links.release(provider);
  }
  return true;
}

/** Closes the provider's earlier link. @returns true when it was admitted by it. */
function detachEarlier(state: DemandState, provider: DemandProvider, link: DemandLink): boolean {
  if (provider.link === undefined || provider.link === link.link) return false;
  const earlier = state.links.get(provider.link);
  if (earlier === undefined) return false;
  const admitted = earlier.phase === "admitted";
  state.links.detach(earlier);
  state.closeLink(earlier.link, "SUPERSEDED: the same provider opened another link");
  return admitted;
}

function endLeases(
  state: DemandState,
  provider: DemandProvider,
  reason: string,
  nowMs: number,
): void {
  for (const item of [...provider.leased.values()]) {
    state.settlement.lapse(item, reason, { options: state.options, nowMs });
  }
}

/**
 * Leases named by Hello are renewed; the provider's others end now: it never got them, or gave them
 * up.
 * @returns those kept.
 */
function keepHeld(
  state: DemandState,
  provider: DemandProvider,
  hello: Hello,
  nowMs: number,
): Lease[] {
  const held = new Set<Item>();
  const kept: Lease[] = [];
  if (Number(hello.heldOfIncarnation) === state.components.self.incarnation) {
    for (const lease of hello.held) {
      const item = state.store.get(Number(lease.sequence));
      if (item?.state !== "leased" || item.lease?.provider !== provider) continue;
      if (item.lease.wire.delivery !== lease.delivery) continue;
      item.lease.untilMs = nowMs + state.options.lease.durationMs;
      held.add(item);
      kept.push(item.lease.wire);
    }
  }
  for (const item of [...provider.leased.values()]) {
    if (held.has(item)) continue;
    const reason = "the provider came back without it";
    state.settlement.lapse(item, reason, { options: state.options, nowMs });
  }
  return kept;
}

function admit(state: DemandState, link: DemandLink, kept: Lease[]): void {
  state.links.admit(link);
  const { lease } = state.options;
  state.send(
    link.link,
    toProvider({
      case: "admit",
      value: {
        $typeName: "spillway.work.v1.Admit",
        incarnation: BigInt(state.components.self.incarnation),
        leaseDurationMs: lease.durationMs,
        maxRuntimeMs: lease.maxRuntimeMs,
        kept,
        providers: providersOf(state.providers()),
      },
    }),
  );
}

function sendFull(state: DemandState, link: DemandLink): void {
  state.send(
    link.link,
    toProvider({
      case: "full",
      value: {
        $typeName: "spillway.work.v1.Full",
        retryAfterMs: Math.round(retryAfterMs * (1 + state.components.random.next())),
        providers: providersOf(state.providers()),
      },
    }),
  );
}

function sendDraining(state: DemandState, link: DemandLink): void {
  const reason = `the demand ${state.name} is ending`;
  state.send(
    link.link,
    toProvider({
      case: "draining",
      value: { $typeName: "spillway.work.v1.Draining", reason },
    }),
  );
}

function sendIncompatible(state: DemandState, link: DemandLink, reason: string): void {
  state.send(
    link.link,
    toProvider({
      case: "incompatible",
      value: { $typeName: "spillway.work.v1.Incompatible", reason },
    }),
  );
}

function contractDifference(contract: WorkContract, hello: Hello): string | undefined {
  const theirs: WorkContract = hello;
  if (sameContract(contract, theirs)) return undefined;
  return (
    `the demand's contract is ${contract.request} → ${contract.response} (${hashText(contract)}), ` +
    `the capability's is ${theirs.request} → ${theirs.response} (${hashText(theirs)})`
  );
}

function hashText(contract: WorkContract): string {
  return Array.from(contract.contractHash.subarray(0, 6), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
