/** What the loops of both kinds share: how a decision is asked for and what becomes of it. */
import type { Action, ContractState, Outcome, WritableStatus } from "../reconcile/index.ts";
import type { DescriptorSetBytes } from "../control/index.ts";
import type { EventRecorder, ReconcileAnswer } from "../runtime/index.ts";
import { annotations, reconcilePaused } from "../manifests/index.ts";
import {
  apiVersion,
  type Contract,
  type ReadStored,
  type StoredMetadata,
} from "../schema/index.ts";
import type { Assignments } from "./assignments.ts";
import type { CachedCapability, CachedDemand } from "./cached-resource.ts";
import type { ContractResolver, ResolvedContract } from "./contract-resolver.ts";
import type { StatusWrites } from "./status-writes.ts";
import type { World } from "./world.ts";

/** What a loop works with. */
export interface LoopComponents<Status extends WritableStatus> {
  readonly world: World;
  readonly contracts: ContractResolver;
  readonly assignments: Assignments;
  readonly statuses: StatusWrites<Status>;
  readonly recorder: EventRecorder;
  /** Since when this process leads, on `World.nowMs`. */
  readonly leaderSinceMs: () => number;
  /** Pods of a namespace are to be told what selects them; undefined names: all of them. */
  readonly tellPods: (namespace: string, names?: readonly string[]) => void;
}

/** A resource as the API server shows it, with the status that was decided last. */
export function withStatus<
  Status,
  Read extends ReadStored<{ readonly spec: unknown; readonly status: Status }>,
>(read: Read, status: Status): Read {
  return { ...read, resource: { ...read.resource, status } };
}

/** The annotation that stops the operator for one object is set. */
export function isReconcilePaused(metadata: StoredMetadata): boolean {
  return metadata.annotations[annotations.reconcile] === reconcilePaused;
}

/** A contract as the decisions see it; a spec that cannot be read has none. */
export function contractStateOf(resolved: ResolvedContract | undefined): ContractState {
  if (resolved === undefined) return { ok: false, problem: "The spec cannot be read." };
  if (!resolved.ok) return { ok: false, problem: resolved.problem };
  return { ok: true, descriptorSet: resolved.descriptorSet.hash };
}

/** What of a loop says to pods what was decided. */
type Telling = Pick<LoopComponents<WritableStatus>, "assignments" | "tellPods" | "world">;

/**
 * The contract of a resource.
 * @throws {ApiError} when it could not be asked for; the resource's pods are told of all else.
 */
export async function contractOf(
  components: Telling & Pick<LoopComponents<WritableStatus>, "contracts">,
  object: CachedDemand | CachedCapability,
  { contract, signal }: { readonly contract: Contract; readonly signal: AbortSignal },
): Promise<ResolvedContract> {
  const { namespace } = object.metadata;
  try {
    return await components.contracts.resolve(namespace, contract, signal);
  } catch (error) {
    tell(components, object, undefined);
    throw error;
  }
}

/** Has the pods of a resource told of it, as it was decided. */
export function serve(
  components: Telling,
  object: CachedDemand | CachedCapability,
  {
    actions,
    contract,
  }: { readonly actions: readonly Action[]; readonly contract: ResolvedContract | undefined },
): void {
  const { assignments, tellPods } = components;
  const { kind, kept, metadata } = object;
  if (kept?.facts === undefined) {
    if (assignments.decideUnread(kind, metadata.uid)) tellPods(metadata.namespace);
    return;
  }
  // Stopped for an object, a new leader still tells its pods what it finds: silence would mean that
  // the object is gone.
  const serves =
    actions.some(({ type }) => type === "serve") ||
    (isReconcilePaused(metadata) && !assignments.serves(metadata.uid));
  tell(components, object, serves && contract?.ok === true ? contract.descriptorSet : undefined);
}

/** Undefined: the resource is served as before. */
function tell(
  { assignments, tellPods, world }: Telling,
  object: CachedDemand | CachedCapability,
  set: DescriptorSetBytes | undefined,
): void {
  if (!assignments.decide(object, set)) return;
  const names = world.podsSelectedBy(object).map(({ metadata }) => metadata.name);
  tellPods(object.metadata.namespace, names);
}

/** Tells people what happened to an object. */
export function record(
  recorder: EventRecorder,
  { kind, metadata }: { readonly kind: string; readonly metadata: StoredMetadata },
  events: Outcome<unknown>["events"],
): void {
  const { namespace, name, uid } = metadata;
  const regarding = { apiVersion, kind, namespace, name, uid };
  for (const event of events) recorder.record({ regarding, action: "Reconcile", ...event });
}

/** When to come again. Without a reason to, only a change brings the key back. */
export function comeAgain(...afterMs: readonly number[]): ReconcileAnswer {
  const requeueAfterMs = Math.min(...afterMs);
  return Number.isFinite(requeueAfterMs) ? { requeueAfterMs: Math.max(0, requeueAfterMs) } : {};
}

/** The key of a stored resource in queues and caches. */
export function keyOfStored({ metadata }: { readonly metadata: StoredMetadata }): string {
  return `${metadata.namespace}/${metadata.name}`;
}
