/** What the operator knows of the cluster: caches, and who selects whom. */
import { labels } from "../manifests/index.ts";
import {
  goneAfterMs,
  type PoolReport,
  type QueuePod,
  type QueueReport,
  routeOf,
  type SelectedPod,
} from "../reconcile/index.ts";
import {
  type ApiClient,
  type ObjectMeta,
  ResourceCache,
  type RuntimeMetrics,
  type Surroundings,
} from "../runtime/index.ts";
import { selects, type StoredCapability } from "../schema/index.ts";
import {
  type CachedCapability,
  type CachedDemand,
  capabilities,
  demands,
  keepCapability,
  keepDemand,
  readOf,
  scaleTargetOf,
} from "./cached-resource.ts";
import {
  type CachedPod,
  contractMaps,
  type ContractMap,
  pods,
  slimContractMap,
  slimPod,
} from "./cluster-objects.ts";
import { observedPod } from "./pod-view.ts";
import type { Sidecars, SidecarState } from "./ports.ts";
import type { TargetPlace } from "./scale-client.ts";
import { poolReport, queueReport, type ReportOf, wasHeard } from "./sidecar-reports.ts";

/** What a world is made of. */
export interface WorldComponents {
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
  readonly sidecars: Sidecars;
}

/** A pod that is gone, and what its sidecar said last. */
interface GonePod {
  readonly pod: CachedPod;
  readonly goneAtMs: number;
  readonly state: SidecarState | undefined;
}

const inNamespace = (object: { readonly metadata: ObjectMeta }) => [
  object.metadata.namespace ?? "",
];

/** Caches of everything that is watched, and the questions that loops ask of them. */
export class World {
  readonly demands: ResourceCache<CachedDemand>;
  readonly capabilities: ResourceCache<CachedCapability>;
  readonly pods: ResourceCache<CachedPod>;
  readonly contracts: ResourceCache<ContractMap>;
  readonly #components: WorldComponents;
  readonly #gone = new Map<string, GonePod>();
  readonly #originMs: number;

  constructor(components: WorldComponents) {
    this.#components = components;
    const { wallClock, clock } = components.surroundings;
    this.#originMs = wallClock.nowEpochMs() - clock.nowMs();
    this.demands = new ResourceCache<CachedDemand>(
      {
        resource: demands,
        transform: keepDemand,
        indexes: {
          namespace: inNamespace,
          contract: (it) => listed(it.kept?.facts?.contractMap),
          route: (it) => listed(it.kept?.facts?.route),
          unread: (it) => (isReadable(it) ? [] : inNamespace(it)),
        },
      },
      components,
    );
    this.capabilities = new ResourceCache<CachedCapability>(
      {
        resource: capabilities,
        transform: keepCapability,
        indexes: {
          namespace: inNamespace,
          contract: (it) => listed(it.kept?.facts?.contractMap),
          scaledIn: (it) => (scales(it) ? inNamespace(it) : []),
          scaledRoute: (it) => (scales(it) ? listed(it.kept?.facts?.route) : []),
          scaleTarget: (it) => listed(it.kept?.facts?.scaleTarget),
          unread: (it) => (isReadable(it) ? [] : inNamespace(it)),
        },
      },
      components,
    );
    this.pods = new ResourceCache<CachedPod>(
      {
        resource: pods,
        labelSelector: `${labels.injected}=true`,
        transform: slimPod,
        indexes: { namespace: inNamespace, uid: ({ metadata }) => [metadata.uid ?? ""] },
      },
      components,
    );
    this.contracts = new ResourceCache<ContractMap>(
      {
        resource: contractMaps,
        name: "contracts",
        labelSelector: `${labels.contract}=true`,
        transform: slimContractMap,
      },
      components,
    );
  }

  /** Every cache. */
  get caches() {
    return [this.demands, this.capabilities, this.pods, this.contracts] as const;
  }

  /** Unix time in ms of a clock that never goes back: the time of decisions. */
  nowMs(): number {
    return this.#components.surroundings.clock.nowMs() + this.#originMs;
  }

  /** A pod was removed: its work counts as unknown, or as done, for a while. */
  remember(pod: CachedPod): void {
    const uid = pod.metadata.uid ?? "";
    const nowMs = this.nowMs();
    for (const [each, { goneAtMs }] of this.#gone) {
      if (goneAtMs + goneAfterMs > nowMs && this.#gone.size < maxGonePods) break;
      this.#gone.delete(each);
    }
    this.#gone.set(uid, { pod, goneAtMs: nowMs, state: this.#components.sidecars.stateOf(uid) });
  }

  /** Pods that a Demand selects, with what their sidecars say of its queue. */
  queuesOf(demand: CachedDemand): SelectedPod<QueueReport>[] {
    return this.podsSelectedBy(demand).map((cached) => {
      const state = this.#components.sidecars.stateOf(cached.metadata.uid ?? "");
      return this.#queuePod(demand, { cached, state });
    });
  }

  /** The same with the pods that are gone since a little while. */
  queuesWithGone(demand: CachedDemand): QueuePod[] {
    const gone = [...this.#gone.values()].filter(
      ({ pod }) => pod.metadata.namespace === demand.metadata.namespace && doesSelect(demand, pod),
    );
    return [
      ...this.queuesOf(demand),
      ...gone.map(({ pod: cached, state, goneAtMs }) => ({
        ...this.#queuePod(demand, { cached, state }),
        goneAtMs,
      })),
    ];
  }

  /** Pods that a Capability selects, with what their sidecars say of it. */
  poolsOf(capability: CachedCapability): SelectedPod<PoolReport>[] {
    const { uid } = capability.metadata;
    return this.podsSelectedBy(capability).map((cached): SelectedPod<PoolReport> => {
      const pod = observedPod(cached);
      const state = this.#components.sidecars.stateOf(pod.uid);
      const capabilityUids = this.capabilityUidsOf(cached);
      if (state === undefined || !wasHeard(state)) return { pod };
      return { pod, report: poolReport(state, this.#reportOf(uid, capabilityUids)) };
    });
  }

  /** Demands whose work a route is. */
  demandsOf(route: string): CachedDemand[] {
    return this.demands.byIndex("route", route);
  }

  /** Capabilities that scale by the same route as one, or the same target; it is among them. */
  scalingLike(capability: StoredCapability, target: TargetPlace): StoredCapability[] {
    const all = new Set([
      ...this.capabilities.byIndex("scaledRoute", routeOf(capability)),
      ...this.capabilities.byIndex("scaleTarget", scaleTargetOf(target)),
    ]);
    return [...all].flatMap((it) => {
      const read = readOf(it);
      return read.ok ? [read.resource] : [];
    });
  }

  /** Uids of the Capabilities that select a pod. */
  capabilityUidsOf(pod: CachedPod): string[] {
    return this.capabilitiesOf(pod).map(({ metadata }) => metadata.uid);
  }

  /** Capabilities that select a pod. */
  capabilitiesOf(pod: CachedPod): CachedCapability[] {
    const all = this.capabilities.byIndex("namespace", pod.metadata.namespace ?? "");
    return all.filter((it) => doesSelect(it, pod));
  }

  /** Demands that select a pod. */
  demandsSelecting(pod: CachedPod): CachedDemand[] {
    const all = this.demands.byIndex("namespace", pod.metadata.namespace ?? "");
    return all.filter((it) => doesSelect(it, pod));
  }

  /** Pods that a resource selects; none when it cannot be read. */
  podsSelectedBy(object: Cached): CachedPod[] {
    const all = this.pods.byIndex("namespace", object.metadata.namespace);
    return all.filter((pod) => doesSelect(object, pod));
  }

  /** Capabilities of a namespace that scale something. */
  scaledIn(namespace: string): CachedCapability[] {
    return this.capabilities.byIndex("scaledIn", namespace);
  }

  /** Resources of a namespace that cannot be read: whom they select is not known. */
  unreadIn(namespace: string) {
    return {
      demands: this.demands.byIndex("unread", namespace),
      capabilities: this.capabilities.byIndex("unread", namespace),
    };
  }

  /** The pod of a uid. */
  podOf(uid: string): CachedPod | undefined {
    return this.pods.byIndex("uid", uid)[0];
  }

  #queuePod(
    demand: CachedDemand,
    { cached, state }: { readonly cached: CachedPod; readonly state: SidecarState | undefined },
  ): SelectedPod<QueueReport> {
    const pod = observedPod(cached);
    if (state === undefined || !wasHeard(state)) return { pod };
    const of = this.#reportOf(demand.metadata.uid, []);
    return { pod, report: queueReport(state, of, demand.kept?.facts?.desiredProviders ?? 0) };
  }

  #reportOf(uid: string, capabilityUids: readonly string[]): ReportOf {
    const nowMs = this.#components.surroundings.clock.nowMs();
    return { uid, originMs: this.#originMs, capabilityUids, nowMs };
  }
}

/** Removed pods that are remembered. */
const maxGonePods = 10_000;

type Cached = CachedDemand | CachedCapability;

function doesSelect({ kept }: Cached, { metadata: { labels: words = {} } }: CachedPod): boolean {
  return kept?.facts !== undefined && selects(kept.facts.selector, words);
}

function listed(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

function isReadable({ kept }: Cached): boolean {
  return kept?.facts !== undefined;
}

function scales({ kept }: CachedCapability): boolean {
  return kept?.facts?.scaleTarget !== undefined;
}
