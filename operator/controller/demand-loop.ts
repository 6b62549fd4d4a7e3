/** The loop of Demands: cache and reports → decision → control stream, status, events. */
import { reconcileDemand } from "../reconcile/index.ts";
import { keyOf, type ReconcileAnswer, type ReconcileContext } from "../runtime/index.ts";
import type { DemandStatus } from "../schema/index.ts";
import { type CachedDemand, readOf } from "./cached-resource.ts";
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
    const { world, contracts, assignments, statuses, recorder, leaderSinceMs } = this.#components;
    const read = readOf(object);
    const { metadata, status: stored } = read.resource;
    const contract = read.ok
      ? await contracts.resolve(metadata.namespace, read.resource.spec.contract, signal)
      : undefined;
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
      if (assignments.decideDemand(read.resource, set)) this.#tell(queues, metadata.namespace);
    } else {
      assignments.decideUnread("Demand", metadata.uid);
    }
    statuses.want(metadata, outcome.status, stored);
    record(recorder, { kind: "Demand", metadata }, outcome.events);
    return comeAgain(outcome.requeueAfterMs, contract?.againAfterMs ?? Number.POSITIVE_INFINITY);
  }

  #tell(queues: ReturnType<LoopComponents<DemandStatus>["world"]["queuesOf"]>, namespace: string) {
    for (const { pod } of queues) {
      this.#components.tellPod(keyOf({ metadata: { namespace, name: pod.name } }));
    }
  }
}
