/** A pod as the decisions and the control stream see it. */
import type { AssignedPod } from "../control/index.ts";
import { labels, podDeletionCost, removedFirst } from "../manifests/index.ts";
import { type ObservedPod, selectedPods } from "../reconcile/index.ts";
import { type CachedPod, hasRun } from "./cluster-objects.ts";

/** A pod as decisions see it. */
export function observedPod({ metadata, status }: CachedPod): ObservedPod {
  const ran = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const phase = status?.phase ?? "Pending";
  return {
    uid: metadata.uid ?? "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    deleted: metadata.deletionTimestamp !== undefined,
    ended: phase === "Succeeded" || phase === "Failed",
    pending: phase === "Pending" && !ran.some(hasRun),
    injected: metadata.labels?.[labels.injected] === "true",
    createdAtMs: Date.parse(metadata.creationTimestamp ?? "") || 0,
    removedFirst: metadata.annotations?.[podDeletionCost] === removedFirst,
  };
}

/** Whether a resource selects a pod of its namespace. */
export function isSelected(selector: Parameters<typeof selectedPods>[0], pod: CachedPod): boolean {
  return selectedPods(selector, [{ pod: observedPod(pod) }]).length > 0;
}

/** A pod as the control stream sees it. Roles are those of relay and relief pods: none here. */
export function assignedPod({ metadata, status }: CachedPod): AssignedPod {
  return {
    uid: metadata.uid ?? "",
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    ips: (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []),
    roles: [],
  };
}

/** Whether a change of a pod is one that any decision could see. */
export function podDiffers(before: CachedPod | undefined, after: CachedPod): boolean {
  if (before === undefined) return true;
  const seen = (pod: CachedPod): string => JSON.stringify([observedPod(pod), assignedPod(pod)]);
  return seen(before) !== seen(after);
}
