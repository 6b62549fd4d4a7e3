/** What a DemandQueue shows of itself. */
import { creditOf } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import type { DemandProvider } from "./item.ts";
import type { DemandSnapshot, ProviderSnapshot } from "./snapshot.ts";

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
