/** Metrics of the node: its queues, its pools, its peers. */
import type { DemandTotals } from "../core/work/index.ts";
import { declareMetrics, type Handles, type Metrics } from "../runtime/index.ts";
import type { Node } from "./node.ts";

const demand = ["demand"] as const;

/** Declared here, registered where the node is started. */
export const nodeMetrics = declareMetrics("sidecar/node", {
  items: {
    kind: "gauge",
    name: "spillway_demand_items",
    help: "Items of a demand by state; ended ones while their outcome is kept.",
    labels: ["demand", "state"],
  },
  oldestReady: {
    kind: "gauge",
    name: "spillway_demand_oldest_ready_seconds",
    help: "How long the oldest ready item has been ready; 0 when none is.",
    labels: demand,
  },
  providers: {
    kind: "gauge",
    name: "spillway_demand_providers",
    help: "Connected providers.",
    labels: demand,
  },
  deficit: {
    kind: "gauge",
    name: "spillway_demand_provider_deficit",
    help: "Providers missing to reach desiredProviders.",
    labels: demand,
  },
  added: {
    kind: "counter",
    name: "spillway_demand_items_added_total",
    help: "Items accepted.",
    labels: demand,
  },
  refused: {
    kind: "counter",
    name: "spillway_demand_items_refused_total",
    help: "Items refused.",
    labels: demand,
  },
  granted: {
    kind: "counter",
    name: "spillway_demand_leases_granted_total",
    help: "Deliveries to providers.",
    labels: demand,
  },
  failed: {
    kind: "counter",
    name: "spillway_demand_attempts_failed_total",
    help: "Attempts that failed, by the application, by time or by loss.",
    labels: demand,
  },
  lapsed: {
    kind: "counter",
    name: "spillway_demand_leases_lapsed_total",
    help: "Leases that ended by time.",
    labels: demand,
  },
  staleVerbs: {
    kind: "counter",
    name: "spillway_demand_stale_verbs_total",
    help: "Verbs for leases that were no longer held; they changed nothing.",
    labels: demand,
  },
  deadLettersDropped: {
    kind: "counter",
    name: "spillway_demand_dead_letters_dropped_total",
    help: "Dead items given up because the dead letter was full or they were too old.",
    labels: demand,
  },
  outcomesDropped: {
    kind: "counter",
    name: "spillway_demand_outcomes_dropped_total",
    help: "Outcomes given up by the bounds of retention.",
    labels: demand,
  },
  running: {
    kind: "gauge",
    name: "spillway_capability_running",
    help: "Worker slots in use.",
    labels: ["capability"],
  },
  slots: {
    kind: "gauge",
    name: "spillway_capability_slots",
    help: "Worker slots in all.",
    labels: ["capability"],
  },
  neighbours: {
    kind: "gauge",
    name: "spillway_neighbours",
    help: "Nodes that discovery knows.",
    labels: [],
  },
  sessions: {
    kind: "gauge",
    name: "spillway_peer_sessions",
    help: "Open sessions with peers.",
    labels: [],
  },
  peersRefused: {
    kind: "counter",
    name: "spillway_peers_refused_total",
    help: "Connections refused before a session was open, by code.",
    labels: ["code"],
  },
});

type NodeHandles = Handles<(typeof nodeMetrics)["declarations"]>;

const countedTotals = [
  "added",
  "refused",
  "granted",
  "failed",
  "lapsed",
  "staleVerbs",
  "deadLettersDropped",
  "outcomesDropped",
] as const satisfies readonly (keyof DemandTotals)[];

/** Mirrors a node's state at each collection; the engines only count for themselves. */
export function mirrorNode(node: Node, metrics: Metrics, handles: NodeHandles): void {
  const seen = new Map<string, DemandTotals>();
  metrics.onCollect(() => {
    for (const gauge of [handles.items, handles.oldestReady, handles.providers, handles.deficit]) {
      gauge.reset();
    }
    for (const [name, host] of node.demands.hosts) {
      const snapshot = host.snapshot();
      for (const [state, count] of Object.entries(snapshot.counts)) {
        handles.items.set({ demand: name, state }, count);
      }
      handles.oldestReady.set({ demand: name }, snapshot.oldestReadyMs / 1_000);
      handles.providers.set({ demand: name }, snapshot.providers.length);
      handles.deficit.set({ demand: name }, snapshot.deficit);
      count(handles, name, { now: snapshot.totals, before: seen.get(name) });
      seen.set(name, snapshot.totals);
    }
    handles.running.reset();
    handles.slots.reset();
    for (const [name, host] of node.capabilities.hosts) {
      const { running, slots } = host.snapshot();
      handles.running.set({ capability: name }, running);
      handles.slots.set({ capability: name }, slots);
    }
    handles.neighbours.set({}, node.neighbourhood.neighbours().length);
    handles.sessions.set({}, node.neighbourhood.sessions().length);
  });
}

/** A demand that was removed and made again counts from 0: then all it has is new. */
function count(
  handles: NodeHandles,
  name: string,
  totals: { readonly now: DemandTotals; readonly before: DemandTotals | undefined },
): void {
  for (const key of countedTotals) {
    const before = totals.before?.[key] ?? 0;
    const grown = totals.now[key] - before;
    handles[key].inc({ demand: name }, grown >= 0 ? grown : totals.now[key]);
  }
}
