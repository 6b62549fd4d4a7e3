/** The loop of Demands: cache and reports → decision → control stream, status, events. */
import { reconcileDemand } from "../reconcile/index.ts";
import type { DescriptorSetBytes } from "../control/index.ts";
import { type ReconcileAnswer, type ReconcileContext } from "../runtime/index.ts";
import type { DemandStatus, StoredDemand } from "../schema/index.ts";
import { type CachedDemand, readOf } from "./cached-resource.ts";
import type { ResolvedContract } from "./contract-resolver.ts";
import {
  comeAgain,
  contractStateOf,
  isReconcilePaused,
  type LoopComponents,
  record,
  withStatus,
} from "./resource-loop.ts";

/** Reconciles Demands, one key at a time. */
export class DemandLoop {
  readonly #components: LoopComponents<DemandStatus>;

  constructor(components: LoopComponents<DemandStatus>) {
    this.#components = components;
  }

  /** @throws {ApiError} when the API server could not be asked; the key comes back. */
  async reconcile(key: string, { signal }: ReconcileContext): Promise<ReconcileAnswer> {
    const { world } = this.#components;
    const object = world.demands.get(key);
    return object === undefined ? {} : await this.#look(object, signal);
  }

  async #look(object: CachedDemand, signal: AbortSignal): Promise<ReconcileAnswer> {
    const { world, assignments, statuses, recorder, leaderSinceMs } = this.#components;
    const read = readOf(object);
    const { metadata, status: stored } = read.resource;
    const contract = read.ok ? await this.#contractOf(read.resource, signal) : undefined;
    const queues = read.ok ? world.queuesOf(read.resource) : [];
    const outcome = reconcileDemand(
      withStatus(read, statuses.wanted(metadata) ?? stored),
      {
        pods: queues,
        contract: contractStateOf(contract),
        leaderSinceMs: leaderSinceMs(),
        reconcilePaused: isReconcilePaused(metadata),
      },
      world.nowMs(),
    );
    if (read.ok) {
      // Stopped for an object, a new leader still tells its pods what it finds: silence would mean
      // that the Demand is gone.
      const serves =
        outcome.actions.some(({ type }) => type === "serve") ||
        (isReconcilePaused(metadata) && !assignments.serves(metadata.uid));
      const set = serves && contract?.ok === true ? contract.descriptorSet : undefined;
      this.#decide(read.resource, set);
    } else if (assignments.decideUnread("Demand", metadata.uid)) {
      this.#components.tellPods(metadata.namespace);
    }
    statuses.want(metadata, outcome.status, stored);
    record(recorder, { kind: "Demand", metadata }, outcome.events);
    return comeAgain(outcome.requeueAfterMs, contract?.againAfterMs ?? Number.POSITIVE_INFINITY);
  }

  /** @throws {ApiError} when it could not be asked for; its pods are told of all else. */
  async #contractOf(demand: StoredDemand, signal: AbortSignal): Promise<ResolvedContract> {
    const { namespace } = demand.metadata;
    try {
      return await this.#components.contracts.resolve(namespace, demand.spec.contract, signal);
    } catch (error) {
      this.#decide(demand, undefined);
      throw error;
    }
  }

  #decide(demand: StoredDemand, set: DescriptorSetBytes | undefined): void {
    const { assignments, tellPods, world } = this.#components;
    if (!assignments.decideDemand(demand, set)) return;
    const names = world.queuesOf(demand).map(({ pod }) => pod.name);
    tellPods(demand.metadata.namespace, names);
  }
}
