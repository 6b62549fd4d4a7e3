/** What the engines show → what the API shows. */
import type { CapabilityView, CountsByState, DemandView, ItemView } from "../api/ports.ts";
import type {
  CapabilitySnapshot,
  DemandSnapshot,
  ItemSnapshot,
  WorkContract,
} from "../core/work/index.ts";

/** Both clocks at one moment: engine times are monotonic, answers are dated. */
export interface TwoClocks {
  readonly nowMs: number;
  readonly nowEpochMs: number;
}

/** An item as its producer sees it. */
export function itemViewOf(item: ItemSnapshot, demand: string, clocks: TwoClocks): ItemView {
  return {
    ticket: item.ticket,
    demand,
    state: item.state,
    attempts: { acquired: item.acquired, failed: item.failed },
    priority: item.priority,
    createdAtMs: Math.round(clocks.nowEpochMs - (clocks.nowMs - item.createdAtMs)),
    ...(item.provider === undefined ? {} : { provider: item.provider }),
    ...(item.outcome === undefined ? {} : { outcome: item.outcome }),
  };
}

/** A demand of this node. */
export function demandViewOf(snapshot: DemandSnapshot, contract: WorkContract): DemandView {
  const counts: CountsByState = snapshot.counts;
  return {
    name: snapshot.name,
    request: contract.request,
    response: contract.response,
    counts,
    oldestReadySeconds: snapshot.oldestReadyMs / 1_000,
    desiredProviders: snapshot.desiredProviders,
    maxProviders: snapshot.maxProviders,
    deficit: snapshot.deficit,
    providers: snapshot.providers.map((provider) => ({
      id: provider.nodeId,
      leased: provider.leased,
      credit: provider.credit,
      ...(provider.rttMs === undefined ? {} : { rttMs: provider.rttMs }),
    })),
    paused: snapshot.paused,
  };
}

/** A capability of this node. */
export function capabilityViewOf(
  snapshot: CapabilitySnapshot,
  contract: WorkContract,
): CapabilityView {
  return {
    name: snapshot.name,
    request: contract.request,
    response: contract.response,
    running: snapshot.running,
    slots: snapshot.slots,
    demands: snapshot.demands.map(({ nodeId, demand, state, score, rttMs, reason }) => ({
      demand,
      node: nodeId,
      state,
      ...(score === undefined ? {} : { score }),
      ...(rttMs === undefined ? {} : { rttMs }),
      ...(reason === undefined ? {} : { reason }),
    })),
    ...(snapshot.notDelivering === undefined ? {} : { notDelivering: snapshot.notDelivering }),
  };
}
