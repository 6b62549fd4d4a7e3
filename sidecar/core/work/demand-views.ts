/** What a DemandQueue shows of itself. */
import { creditOf } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import type { DemandProvider, Item, ItemSnapshot } from "./item.ts";
import type { DemandSnapshot, Explanation, ProviderSnapshot } from "./snapshot.ts";

/** An item as its producer sees it. */
export function itemSnapshot(item: Item): ItemSnapshot {
  const { facts } = item;
  return {
    sequence: facts.sequence,
    ticket: facts.ticket,
    state: item.state,
    acquired: item.acquired,
    failed: item.failed,
    priority: facts.priority,
    createdAtMs: facts.createdAtMs,
    ...(item.state === "delayed" && { delayedUntilMs: item.delayedUntilMs }),
    ...(item.lease !== undefined && { provider: item.lease.provider.nodeId }),
    ...(facts.submitter !== undefined && { submitter: facts.submitter }),
    ...(item.outcome !== undefined && { outcome: item.outcome }),
  };
}

/** The queue as a whole. Cost: a walk of its providers. */
export function demandSnapshot(state: DemandState, waiters: number, nowMs: number): DemandSnapshot {
  const { store, options } = state;
  const oldestSinceMs = store.ready.oldestSinceMs();
  return {
    name: state.name,
    counts: store.counts(),
    pendingItems: store.pendingItems,
    pendingBytes: store.pendingBytes,
    waiters,
    oldestReadyMs: oldestSinceMs === undefined ? 0 : Math.max(0, nowMs - oldestSinceMs),
    desiredProviders: options.desiredProviders,
    maxProviders: options.maxProviders,
    deficit: Math.max(0, options.desiredProviders - state.links.admittedCount),
    providers: [...state.links.providers()]
      .filter((provider) => provider.admitted)
      .map((provider) => providerSnapshot(state, provider)),
    paused: state.paused,
    draining: state.draining,
    totals: {
      ...state.counters,
      deadLettersDropped: store.deadLettersDropped,
      outcomesDropped: store.outcomesDropped,
    },
  };
}

/** Why the item does not move; source of the reasons: design/work.md, `explain`. */
export function explainItem(state: DemandState, item: Item, nowMs: number): Explanation {
  const reasons: { code: string; message: string; facts: Record<string, string | number> }[] = [];
  const say = (code: string, message: string, facts: Record<string, string | number>): void => {
    reasons.push({ code, message, facts });
  };
  if (item.state === "delayed") {
    const remainingMs = Math.max(0, item.delayedUntilMs - nowMs);
    say("DELAYED", `delayed for another ${String(remainingMs)} ms`, {
      remainingMs,
      failed: item.failed,
    });
  } else if (item.state === "ready") {
    const head = state.store.ready.blockedBy(item);
    if (head !== undefined) {
      say("ORDERING_KEY_BLOCKED", `ordering key blocked by ${head.facts.ticket}`, {
        ticket: head.facts.ticket,
      });
    }
    if (state.paused) say("PAUSED", "demand paused", {});
    if (state.draining) say("DRAINING", "draining", {});
    if (state.links.admittedCount === 0) say("NO_PROVIDER", "no provider connected", {});
    else if (reasons.length === 0) {
      const connected = state.links.admittedCount;
      say("NO_CREDIT", "providers have no credit", { connected });
    }
  } else if (item.state === "leased" && item.lease !== undefined) {
    const { lease } = item;
    const provider = lease.provider.nodeId;
    if (lease.provider.link === undefined) {
      const remainingMs = Math.max(0, lease.untilMs - nowMs);
      say("PROVIDER_LOST", `the provider ${provider} is not connected; its lease is kept`, {
        provider,
        remainingMs,
      });
    } else {
      const what = lease.started ? "working on it" : "about to start it";
      say("LEASED", `the provider ${provider} is ${what}`, { provider });
    }
  }
  return { state: item.state, reasons };
}

function providerSnapshot(state: DemandState, provider: DemandProvider): ProviderSnapshot {
  const link = provider.link === undefined ? undefined : state.links.get(provider.link);
  return {
    nodeId: provider.nodeId,
    capability: provider.capability,
    ...(provider.rttMs !== undefined && { rttMs: provider.rttMs }),
    leased: provider.leased.size,
    credit: link === undefined ? 0 : creditOf(link),
  };
}
