/** Routes: which Demands are a Capability's work, and which Capability may scale by them. */
import {
  selects,
  type Selector,
  type StoredCapability,
  type StoredDemand,
} from "../schema/index.ts";
import type { ObservedPod, QueueReport, SelectedPod } from "./observed.ts";

/** Requests and responses of one namespace that meet. */
export function routeOf({
  metadata: { namespace },
  spec: { contract },
}: Pick<StoredDemand | StoredCapability, "metadata" | "spec">): string {
  return `${namespace}/${contract.request}/${contract.response}`;
}

/** The pods of a namespace that a selector matches, whatever their state. */
export function selectedPods<T extends { readonly pod: ObservedPod }>(
  selector: Selector,
  pods: readonly T[],
): T[] {
  return pods.filter(({ pod }) => selects(selector, pod.labels));
}

/**
 * The Capability that a route's, or a target's, scaling belongs to already: the oldest one; of two
 * of the same second the one with the lower uid. Without this, two would scale against each other.
 * @param others Capabilities of the same namespace; `own` may be among them.
 * @returns its name; undefined when `own` may scale.
 */
export function scaledAlreadyBy(
  own: StoredCapability,
  others: readonly StoredCapability[],
): string | undefined {
  const before = others.filter((it) => clashes(own, it) && isOlder(it, own));
  return before.toSorted((left, right) => (isOlder(left, right) ? -1 : 1))[0]?.metadata.name;
}

function clashes(own: StoredCapability, other: StoredCapability): boolean {
  if (own.metadata.uid === other.metadata.uid) return false;
  if (own.metadata.namespace !== other.metadata.namespace) return false;
  const mine = own.spec.scale?.targetRef;
  const theirs = other.spec.scale?.targetRef;
  if (mine === undefined || theirs === undefined) return false;
  const sameTarget = mine.kind === theirs.kind && mine.name === theirs.name;
  return sameTarget || routeOf(own) === routeOf(other);
}

function isOlder(left: StoredCapability, right: StoredCapability): boolean {
  const ofLeft = left.metadata.creationTimestamp ?? "";
  const ofRight = right.metadata.creationTimestamp ?? "";
  if (ofLeft !== ofRight) return ofLeft < ofRight;
  return left.metadata.uid < right.metadata.uid;
}

/** A queue's pod, which may be gone by now. */
export interface QueuePod extends SelectedPod<QueueReport> {
  /** Since when the pod is gone; absent while it is there. */
  readonly goneAtMs?: number;
}

/** The work of a route, as far as it is known. */
export interface RouteWork {
  /** Ready and leased items that were reported. */
  readonly items: number;
  /** Pods whose queue is not known, by name: their work may be anything. */
  readonly unreported: readonly string[];
  /** When time alone makes a pod known to be gone, ms from now; Infinity: never. */
  readonly changesAfterMs: number;
}

/** A pod that never reported and is gone counts as unknown for this long. */
export const goneAfterMs = 60_000;

/**
 * Sums the work of a route. *Unknown is not zero*: a pod that has not reported since this leader
 * started is unknown, also when it is gone, for a minute; a pod that reported and went silent
 * counts with what it said last.
 */
export function workOfRoute(pods: readonly QueuePod[], nowMs: number): RouteWork {
  let items = 0;
  let changesAfterMs = Number.POSITIVE_INFINITY;
  const unreported = new Set<string>();
  for (const { pod, report, goneAtMs } of pods) {
    const queue = report?.part;
    if (queue !== undefined) {
      if (goneAtMs === undefined && !pod.ended) items += queue.items.ready + queue.items.leased;
      continue;
    }
    if (!pod.injected || pod.pending || pod.ended) continue;
    const leftMs = goneAtMs === undefined ? undefined : goneAtMs + goneAfterMs - nowMs;
    if (leftMs !== undefined && leftMs <= 0) continue;
    unreported.add(pod.name);
    changesAfterMs = Math.min(changesAfterMs, leftMs ?? Number.POSITIVE_INFINITY);
  }
  return { items, unreported: [...unreported].sort(), changesAfterMs };
}
