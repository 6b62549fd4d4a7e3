/** What the loops of both kinds share: how a decision is asked for and what becomes of it. */
import type { Action, ContractState, Outcome, WritableStatus } from "../reconcile/index.ts";
import type { DescriptorSetBytes } from "../control/index.ts";
import type { EventRecorder, ReconcileAnswer } from "../runtime/index.ts";
import { annotations, reconcilePaused } from "../manifests/index.ts";
import {
  apiVersion,
  type ReadStored,
  type StoredCapability,
  type StoredDemand,
  type StoredMetadata,
} from "../schema/index.ts";
import type { Assignments } from "./assignments.ts";
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
  resource: StoredDemand | StoredCapability,
  signal: AbortSignal,
): Promise<ResolvedContract> {
  const { namespace } = resource.metadata;
  try {
    return await components.contracts.resolve(namespace, resource.spec.contract, signal);
  } catch (error) {
    tell(components, resource, undefined);
    throw error;
  }
}

/** Has the pods of a resource told of it, as it was decided. */
export function serve(
  components: Telling,
  read: ReadStored<StoredDemand> | ReadStored<StoredCapability>,
  {
    actions,
    contract,
  }: { readonly actions: readonly Action[]; readonly contract: ResolvedContract | undefined },
): void {
  const { assignments, tellPods } = components;
  const { kind, metadata } = read.resource;
  if (!read.ok) {
    if (assignments.decideUnread(kind, metadata.uid)) tellPods(metadata.namespace);
    return;
  }
  // Stopped for an object, a new leader still tells its pods what it finds: silence would mean that
  // the object is gone.
  const serves =
    actions.some(({ type }) => type === "serve") ||
    (isReconcilePaused(metadata) && !assignments.serves(metadata.uid));
  const set = serves && contract?.ok === true ? contract.descriptorSet : undefined;
  tell(components, read.resource, set);
}

/** Undefined: the resource is served as before. */
function tell(
  { assignments, tellPods, world }: Telling,
  resource: StoredDemand | StoredCapability,
  set: DescriptorSetBytes | undefined,
): void {
  if (!assignments.decide(resource, set)) return;
  const selected = resource.kind === "Demand" ? world.queuesOf(resource) : world.poolsOf(resource);
  const names = selected.map(({ pod }) => pod.name);
  tellPods(resource.metadata.namespace, names);
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
