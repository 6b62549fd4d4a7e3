/** What the loops of both kinds share: how a decision is asked for and what becomes of it. */
import type { ContractState, Outcome, WritableStatus } from "../reconcile/index.ts";
import type { EventRecorder, ReconcileAnswer } from "../runtime/index.ts";
import { annotations, reconcilePaused } from "../manifests/index.ts";
import { apiVersion, type ReadStored, type StoredMetadata } from "../schema/index.ts";
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
