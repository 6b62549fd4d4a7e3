/**
 * The loops of the operator: what changed → whose decision it touches → queue → reconcile. Three
 * queues: Demands, Capabilities, and pods (what selects them is told to their sidecars).
 */
import { fieldManagers } from "../manifests/index.ts";
import {
  type ApiClient,
  Controller,
  type EventRecorder,
  keyOf,
  type Reconcile,
  type ReconcileAnswer,
  type RuntimeMetrics,
  type Surroundings,
} from "../runtime/index.ts";
import type { CapabilityStatus, DemandStatus } from "../schema/index.ts";
import { Assignments } from "./assignments.ts";
import { CapabilityLoop } from "./capability-loop.ts";
import {
  type CachedCapability,
  type CachedDemand,
  capabilities,
  demands,
} from "./cached-resource.ts";
import { type CachedPod, contractMaps, type ContractMap } from "./cluster-objects.ts";
import { ContractResolver } from "./contract-resolver.ts";
import { DemandLoop } from "./demand-loop.ts";
import { podDiffers } from "./pod-view.ts";
import type { Sidecars } from "./ports.ts";
import { QuiesceOrders } from "./quiesce-orders.ts";
import { RefusalLog } from "./refusal-log.ts";
import { refusedSlowly } from "./refused-slowly.ts";
import { ScaleClient } from "./scale-client.ts";
import { differsBesidesStatus, StatusWrites } from "./status-writes.ts";
import { World } from "./world.ts";

/** What the loops work with. */
export interface OperatorLoopsComponents {
  /** Guarded: who does not lead writes nothing. */
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
  readonly sidecars: Sidecars;
  /** Writes with a guarded client. */
  readonly recorder: EventRecorder;
}

/** Keys of one kind worked on at once. */
const concurrency = 8;
/** Reports come many at a time; what they touch is looked at once for all of them. */
const gatherReportsMs = 100;
/** A changed Demand touches who scales by it: a read of the target, so not more often than this. */
const gatherWorkMs = 1_000;

/** The loops; they follow the cluster from `watch` on and act from `lead` on. */
export class OperatorLoops {
  readonly #components: OperatorLoopsComponents;
  readonly #world: World;
  readonly #assignments: Assignments;
  readonly #demandStatuses: StatusWrites<DemandStatus>;
  readonly #capabilityStatuses: StatusWrites<CapabilityStatus>;
  readonly #capabilityLoop: CapabilityLoop;
  readonly #demands: Controller;
  readonly #capabilities: Controller;
  readonly #pods: Controller;
  readonly #refusals: RefusalLog;
  #leaderSinceMs = Number.POSITIVE_INFINITY;

  constructor(components: OperatorLoopsComponents) {
    const { client, surroundings, sidecars, recorder } = components;
    this.#components = components;
    const refusals = new RefusalLog(surroundings);
    this.#refusals = refusals;
    const world = new World(components);
    this.#world = world;
    this.#assignments = new Assignments({ world, sidecars });
    const { demandStatus, capabilityStatus } = fieldManagers;
    this.#demandStatuses = new StatusWrites(
      { resource: demands, fieldManager: demandStatus },
      { client, surroundings, refusals },
    );
    this.#capabilityStatuses = new StatusWrites(
      { resource: capabilities, fieldManager: capabilityStatus },
      { client, surroundings, refusals },
    );
    const shared = {
      world,
      contracts: this.#contracts(),
      assignments: this.#assignments,
      recorder,
      leaderSinceMs: () => this.#leaderSinceMs,
      tellPods: (namespace: string, names?: readonly string[]) => {
        if (names === undefined) return this.#tellAll(namespace);
        for (const name of names) this.#pods.enqueue(keyOf({ metadata: { namespace, name } }));
      },
    };
    const demandLoop = new DemandLoop({ ...shared, statuses: this.#demandStatuses });
    this.#capabilityLoop = new CapabilityLoop({
      ...shared,
      statuses: this.#capabilityStatuses,
      scales: new ScaleClient(client),
      orders: new QuiesceOrders({ world, sidecars, clock: surroundings.clock }),
    });
    this.#demands = this.#controller("demand", (key, context) =>
      demandLoop.reconcile(key, context),
    );
    this.#capabilities = this.#controller("capability", (key, context) =>
      this.#capabilityLoop.reconcile(key, context),
    );
    this.#pods = this.#controller("pod", (key) => Promise.resolve(this.#tellPod(key)));
    this.#listen();
  }

  /** Whether every cache was whole once. */
  get hasSynced(): boolean {
    return this.#world.caches.every((cache) => cache.hasSynced);
  }

  /** Begins to follow the cluster; writes nothing. */
  watch(): void {
    for (const cache of this.#world.caches) cache.start();
  }

  /**
   * Begins to act, once the caches are whole.
   * @throws {ApiError} `ABORTED` when it is stopped before.
   */
  async lead(): Promise<void> {
    this.#leaderSinceMs = this.#world.nowMs();
    await Promise.all(this.#world.caches.map((cache) => cache.synced()));
    this.#demandStatuses.start();
    this.#capabilityStatuses.start();
    for (const controller of [this.#demands, this.#capabilities, this.#pods]) controller.start();
  }

  /** Acts no more: waits for what runs, then stops to follow the cluster. Final. */
  async stop(): Promise<void> {
    const controllers = [this.#demands, this.#capabilities, this.#pods];
    await Promise.all(controllers.map((controller) => controller.stop()));
    await Promise.all([this.#demandStatuses.stop(), this.#capabilityStatuses.stop()]);
    this.#refusals.end();
    await Promise.all(this.#world.caches.map((cache) => cache.stop()));
  }

  #controller(name: string, reconcile: Reconcile): Controller {
    const slowly = refusedSlowly(reconcile, { kind: name, refusals: this.#refusals });
    return new Controller({ name, reconcile: slowly, concurrency }, this.#components);
  }

  #contracts(): ContractResolver {
    const { client, surroundings } = this.#components;
    return new ContractResolver({
      watched: (key) => this.#world.contracts.get(key),
      read: (place, signal) => client.get(contractMaps, place, { signal }),
      nowMs: () => surroundings.clock.nowMs(),
    });
  }

  #listen(): void {
    const { sidecars } = this.#components;
    this.#world.demands.onChange((change) => {
      if (change.type === "removed") this.#demandGone(change.object);
      else this.#demandChanged(change.object, change.previous);
    });
    this.#world.capabilities.onChange((change) => {
      if (change.type === "removed") this.#capabilityGone(change.object);
      else this.#capabilityChanged(change.object, change.previous);
    });
    this.#world.pods.onChange((change) => {
      if (change.type === "removed") this.#podGone(change.object);
      else if (podDiffers(change.previous, change.object)) {
        this.#podChanged(change.object, change.previous);
      }
    });
    this.#world.contracts.onChange(({ object }) => {
      this.#contractChanged(object);
    });
    sidecars.onChange((podUid) => {
      const pod = this.#world.podOf(podUid);
      if (pod !== undefined) this.#touch(pod, gatherReportsMs);
    });
  }

  #demandChanged(object: CachedDemand, previous: CachedDemand | undefined): void {
    const { metadata, shown } = object;
    const before = previous?.metadata;
    if (!differsBesidesStatus(before, metadata)) {
      this.#demandStatuses.observe(metadata, shown);
      return;
    }
    if (previous !== undefined && before?.uid !== metadata.uid) this.#demandGone(previous);
    this.#demands.enqueue(keyOf(object));
    if (previous !== undefined) this.#tellSelected(previous);
    this.#touchScaling(object);
  }

  #demandGone(object: CachedDemand): void {
    const { metadata } = object;
    this.#demandStatuses.forget(metadata);
    this.#assignments.forget(metadata.uid);
    this.#tellSelected(object);
    this.#touchScaling(object);
  }

  #capabilityChanged(object: CachedCapability, previous: CachedCapability | undefined): void {
    const { metadata, shown } = object;
    const before = previous?.metadata;
    if (!differsBesidesStatus(before, metadata)) {
      this.#capabilityStatuses.observe(metadata, shown);
      return;
    }
    if (previous !== undefined && before?.uid !== metadata.uid) this.#capabilityGone(previous);
    this.#capabilities.enqueue(keyOf(object));
    if (previous !== undefined) this.#tellSelected(previous);
    this.#touchRivals(metadata.namespace);
  }

  #capabilityGone(object: CachedCapability): void {
    const { metadata } = object;
    this.#capabilityStatuses.forget(metadata);
    this.#assignments.forget(metadata.uid);
    this.#capabilityLoop.forget(metadata);
    this.#capabilities.enqueue(keyOf(object));
    this.#tellSelected(object);
    this.#touchRivals(metadata.namespace);
  }

  #podChanged(pod: CachedPod, previous: CachedPod | undefined): void {
    this.#pods.enqueue(keyOf(pod));
    this.#touch(pod);
    if (previous !== undefined) this.#touch(previous);
  }

  #podGone(pod: CachedPod): void {
    this.#world.remember(pod);
    this.#components.sidecars.release(pod.metadata.uid ?? "");
    this.#touch(pod);
  }

  #contractChanged(map: ContractMap): void {
    const { demands: ofDemands, capabilities: ofCapabilities } = this.#world;
    for (const it of ofDemands.byIndex("contract", keyOf(map))) this.#demands.enqueue(keyOf(it));
    for (const it of ofCapabilities.byIndex("contract", keyOf(map))) {
      this.#capabilities.enqueue(keyOf(it));
    }
  }

  /** Everything that selects a pod is looked at, and who scales by it. */
  #touch(pod: CachedPod, delayMs = 0): void {
    for (const demand of this.#world.demandsSelecting(pod)) {
      this.#demands.enqueueAfter(keyOf(demand), delayMs);
      this.#touchScaling(demand);
    }
    for (const capability of this.#world.capabilitiesOf(pod)) {
      this.#capabilities.enqueueAfter(keyOf(capability), delayMs);
    }
  }

  #touchScaling({ kept }: CachedDemand): void {
    const route = kept?.facts?.route;
    if (route === undefined) return;
    for (const it of this.#world.capabilities.byIndex("scaledRoute", route)) {
      this.#capabilities.enqueueAfter(keyOf(it), gatherWorkMs);
    }
  }

  #touchRivals(namespace: string): void {
    for (const it of this.#world.scaledIn(namespace)) this.#capabilities.enqueue(keyOf(it));
  }

  /** The pods that a resource selects (or may have) are told what selects them now. */
  #tellSelected(object: CachedDemand | CachedCapability): void {
    if (object.kept?.facts === undefined) return this.#tellAll(object.metadata.namespace);
    for (const pod of this.#world.podsSelectedBy(object)) this.#pods.enqueue(keyOf(pod));
  }

  #tellAll(namespace: string): void {
    for (const pod of this.#world.pods.byIndex("namespace", namespace)) {
      this.#pods.enqueue(keyOf(pod));
    }
  }

  #tellPod(key: string): ReconcileAnswer {
    const pod = this.#world.pods.get(key);
    if (pod !== undefined) this.#assignments.assign(pod);
    return {};
  }
}
