/** The loop of Demands: cache and reports → decision → control stream, status, events. */
import { reconcileDemand } from "../reconcile/index.ts";
import { type ReconcileAnswer, type ReconcileContext } from "../runtime/index.ts";
import type { DemandStatus } from "../schema/index.ts";
import { type CachedDemand, readOf } from "./cached-resource.ts";
import {
  comeAgain,
  contractOf,
  contractStateOf,
  isReconcilePaused,
  type LoopComponents,
  record,
  serve,
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
    const { world, statuses, recorder, leaderSinceMs } = this.#components;
    const read = readOf(object);
    const { metadata, shown } = object;
    const contract = read.ok
      ? await contractOf(this.#components, object, {
          contract: read.resource.spec.contract,
          signal,
        })
      : undefined;
    const queues = read.ok ? world.queuesOf(object) : [];
    const outcome = reconcileDemand(
      withStatus(read, statuses.wanted(metadata) ?? read.resource.status),
      {
        pods: queues,
        contract: contractStateOf(contract),
        leaderSinceMs: leaderSinceMs(),
        reconcilePaused: isReconcilePaused(metadata),
      },
      world.nowMs(),
    );
    serve(this.#components, object, { actions: outcome.actions, contract });
    statuses.want(metadata, outcome.status, shown);
    record(recorder, { kind: "Demand", metadata }, outcome.events);
    return comeAgain(outcome.requeueAfterMs, contract?.againAfterMs ?? Number.POSITIVE_INFINITY);
  }
}
