/** The loop of Capabilities: as that of Demands, and the replicas of their targets. */
import {
  type Action,
  type CapabilityOutcome,
  letGo,
  type ObservedScaling,
  reconcileCapability,
  routeOf,
  type ScaleMemory,
  scaledAlreadyBy,
  type SelectedPod,
  workOfRoute,
} from "../reconcile/index.ts";
import { ApiError, type ReconcileAnswer, type ReconcileContext } from "../runtime/index.ts";
import type { CapabilityStatus, StoredCapability, StoredMetadata } from "../schema/index.ts";
import { type CachedCapability, readOf } from "./cached-resource.ts";
import { observedPod } from "./pod-view.ts";
import type { QuiesceOrders } from "./quiesce-orders.ts";
import {
  comeAgain,
  contractOf,
  contractStateOf,
  isReconcilePaused,
  keyOfStored,
  type LoopComponents,
  record,
  serve,
  withStatus,
} from "./resource-loop.ts";
import { isTerminal } from "./refused-slowly.ts";
import { type ScaleClient, targetOf } from "./scale-client.ts";

/** What the loop of Capabilities works with. */
export interface CapabilityLoopComponents extends LoopComponents<CapabilityStatus> {
  readonly scales: ScaleClient;
  readonly orders: QuiesceOrders;
}

/** A target that changed while it was being decided about is read again after this. */
const conflictRetryMs = 1_000;
/** One whose scaling was refused for good is looked at no sooner than this, without a change. */
const refusedLookMs = 15_000;

/** Reconciles Capabilities, one key at a time. */
export class CapabilityLoop {
  readonly #components: CapabilityLoopComponents;
  /** By uid of the Capability. */
  readonly #memories = new Map<string, ScaleMemory>();
  /** Of Capabilities that are gone and whose marks are still on pods; by key. */
  readonly #leftovers = new Map<string, ScaleMemory>();
  /** Generation whose scaling was refused for good, by uid: it is not asked for again. */
  readonly #refused = new Map<string, number>();

  constructor(components: CapabilityLoopComponents) {
    this.#components = components;
  }

  /** A Capability is gone: its candidates work again. Reconcile its key to take its marks back. */
  forget(metadata: StoredMetadata): void {
    const { uid } = metadata;
    const memory = this.#memories.get(uid);
    if (memory !== undefined) this.#leftovers.set(keyOfStored({ metadata }), memory);
    this.#memories.delete(uid);
    this.#refused.delete(uid);
    this.#components.orders.want(uid, []);
  }

  /** @throws {ApiError} when the API server could not be asked; the key comes back. */
  async reconcile(key: string, { signal }: ReconcileContext): Promise<ReconcileAnswer> {
    await this.#takeMarksBack(key);
    const object = this.#components.world.capabilities.get(key);
    return object === undefined ? {} : await this.#look(object, signal);
  }

  async #takeMarksBack(key: string): Promise<void> {
    const { world, scales } = this.#components;
    const memory = this.#leftovers.get(key);
    if (memory === undefined) return;
    const candidates = memory.scaleIn.candidates.flatMap(({ podUid }) => world.podOf(podUid) ?? []);
    const pods = candidates.map((it) => ({ pod: observedPod(it) }));
    for (const action of letGo(pods, memory)) {
      if (action.type !== "markPod") continue;
      try {
        await scales.mark(namespaceOf(key), action);
      } catch (error) {
        // No spec is left that could change it.
        if (isTerminal(error)) this.#leftovers.delete(key);
        throw error;
      }
    }
    this.#leftovers.delete(key);
  }

  async #look(object: CachedCapability, signal: AbortSignal): Promise<ReconcileAnswer> {
    const { world, statuses, recorder, leaderSinceMs } = this.#components;
    const read = readOf(object);
    const { metadata, shown } = object;
    const contract = read.ok
      ? await contractOf(this.#components, object, {
          contract: read.resource.spec.contract,
          signal,
        })
      : undefined;
    const previous = statuses.wanted(metadata) ?? read.resource.status;
    const pods = read.ok ? world.poolsOf(object) : [];
    const memory = this.#memories.get(metadata.uid);
    const outcome = reconcileCapability(
      withStatus(read, previous),
      {
        pods,
        contract: contractStateOf(contract),
        leaderSinceMs: leaderSinceMs(),
        reconcilePaused: isReconcilePaused(metadata),
        scaling: read.ok ? await this.#scaling(read.resource, pods, signal) : noScaling,
        ...(memory === undefined ? {} : { memory }),
      },
      world.nowMs(),
    );
    serve(this.#components, object, { actions: outcome.actions, contract });
    const isRefused = this.#refused.get(metadata.uid) === metadata.generation;
    const failure = read.ok && !isRefused ? await this.#act(read.resource, outcome) : undefined;
    const isDone = failure === undefined && !isRefused;
    statuses.want(metadata, isDone ? outcome.status : unscaled(outcome, previous), shown);
    if (failure === undefined) {
      if (isDone) {
        this.#remember(metadata, outcome.memory);
        record(recorder, { kind: "Capability", metadata }, outcome.events);
      }
      // What is due of a target that is left alone stays due.
      const lookAfterMs = isDone ? 0 : refusedLookMs;
      return comeAgain(
        Math.max(outcome.requeueAfterMs, lookAfterMs),
        contract?.againAfterMs ?? Number.POSITIVE_INFINITY,
      );
    }
    if (isTerminal(failure)) this.#refuse(metadata);
    if (failure.code === "CONFLICT") return comeAgain(conflictRetryMs);
    throw failure;
  }

  async #scaling(
    capability: StoredCapability,
    pods: readonly SelectedPod<unknown>[],
    signal: AbortSignal,
  ): Promise<ObservedScaling> {
    const target = targetOf(capability);
    if (target === undefined) return noScaling;
    const { world, scales } = this.#components;
    const others = world.scalingLike(capability, target);
    const rival = scaledAlreadyBy(capability, others);
    const queues = world.demandsOf(routeOf(capability)).flatMap((it) => world.queuesWithGone(it));
    const work = workOfRoute(queues, world.nowMs());
    if (rival !== undefined) return { work, scaledAlreadyBy: rival };
    try {
      return { work, target: await scales.read(target, pods, signal) };
    } catch (error) {
      // Everything but the target is decided all the same; the target is read again soon.
      if (error instanceof ApiError) return { work };
      throw error;
    }
  }

  /** Does what was decided, in order. @returns the first failure: what comes after is not done. */
  async #act(
    capability: StoredCapability,
    { actions }: CapabilityOutcome,
  ): Promise<ApiError | undefined> {
    try {
      for (const action of actions) await this.#actOne(capability, action);
      return undefined;
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  async #actOne(capability: StoredCapability, action: Action): Promise<void> {
    const { orders, scales } = this.#components;
    const { uid, namespace } = capability.metadata;
    switch (action.type) {
      case "serve":
        return;
      case "quiesce":
        orders.want(uid, action.podUids);
        return;
      case "markPod":
        await scales.mark(namespace, action);
        return;
      case "scale": {
        const target = targetOf(capability);
        if (target !== undefined) await scales.scale(target, action);
      }
    }
  }

  /** What was to go works on; what is remembered of the target waits for another spec. */
  #refuse(metadata: StoredMetadata): void {
    const { uid, generation } = metadata;
    this.#refused.set(uid, generation);
    this.#components.orders.want(uid, []);
    this.#forgetGone(metadata);
  }

  #remember(metadata: StoredMetadata, memory: ScaleMemory | undefined): void {
    const { uid } = metadata;
    this.#refused.delete(uid);
    if (memory === undefined) this.#memories.delete(uid);
    else this.#memories.set(uid, memory);
    this.#forgetGone(metadata);
  }

  #forgetGone(metadata: StoredMetadata): void {
    // It went while it was being decided about: its key comes again.
    const now = this.#components.world.capabilities.get(keyOfStored({ metadata }));
    if (now?.metadata.uid !== metadata.uid) this.forget(metadata);
  }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

const noScaling: ObservedScaling = {
  work: { items: 0, unreported: [], changesAfterMs: Number.POSITIVE_INFINITY },
};

/** What was decided of the target was not done, and is not told. */
function unscaled(
  { status }: CapabilityOutcome,
  previous: CapabilityStatus | undefined,
): CapabilityStatus {
  const { scale, ...rest } = status;
  const before = previous?.scale ?? scale;
  return before === undefined ? rest : { ...rest, scale: before };
}
