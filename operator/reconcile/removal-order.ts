/**
 * Whom a target removes first. A Deployment takes the pods that are marked; a StatefulSet always
 * takes its highest ordinals.
 */
import type { PoolReport, SelectedPod } from "./observed.ts";
import { staleAfterMs } from "./survey.ts";

type Pod = SelectedPod<PoolReport>;

/** How one kind of target removes pods. */
export interface RemovalOrder {
  /** Whether marks say who goes. */
  readonly byMark: boolean;
  /** Replicas that have no pod and would go first. What says less of the two is believed. */
  absent(pods: readonly Pod[], replicas: Replicas): number;
  /**
   * Pods that may be asked, whom to ask first in front.
   * @param asked uids of those that are asked already.
   * @param count how many are wanted; of a StatefulSet nobody beyond is looked at.
   */
  ranked(pods: readonly Pod[], wanted: Wanted): readonly Pod[];
  /** Of those who were asked, in that order, the ones who can go now. */
  leaving(asked: readonly Pod[], confirms: (pod: Pod) => boolean): readonly Pod[];
}

/** What a target asks for, and what it has. */
export interface Replicas {
  readonly current: number;
  readonly existing: number;
}

/** Whom to ask. */
export interface Wanted {
  readonly count: number;
  readonly asked: ReadonlySet<string>;
  readonly nowMs: number;
}

const deployment: RemovalOrder = {
  byMark: true,
  absent: (pods, { current, existing }) => Math.max(0, current - Math.max(existing, pods.length)),
  ranked: (pods, { asked, nowMs }) =>
    pods
      .filter((it) => canBeAsked(it, nowMs))
      .toSorted(
        (left, right) =>
          Number(asked.has(right.pod.uid)) - Number(asked.has(left.pod.uid)) || byUse(left, right),
      ),
  leaving: (asked, confirms) => asked.filter(confirms),
};

const statefulSet: RemovalOrder = {
  byMark: false,
  // Ordinals above the highest pod; one that is missing below it comes back and is not first.
  absent(pods, { current, existing }) {
    const ordinals = pods.map(ordinalOf);
    const span = pods.length === 0 ? 0 : Math.max(...ordinals) - Math.min(...ordinals) + 1;
    return Math.max(0, current - Math.max(existing, span));
  },
  ranked: (pods, { count, nowMs }) => {
    const highest = pods.toSorted((left, right) => ordinalOf(right) - ordinalOf(left));
    return highest.slice(0, count).filter((it) => canBeAsked(it, nowMs));
  },
  // From the highest on without a gap: whoever stands above one that still works can go.
  leaving(asked, confirms) {
    const gap = asked.findIndex((it) => !confirms(it));
    return gap === -1 ? asked : asked.slice(0, gap);
  },
};

/** The order of each kind of target. */
export const removalOrders = { Deployment: deployment, StatefulSet: statefulSet } as const;

/** A pod that never ran holds no work; any other must have a sidecar that hears the question. */
function canBeAsked({ pod, report }: Pod, nowMs: number): boolean {
  if (report === undefined) return pod.pending;
  return report.connected || nowMs < report.receivedAtMs + staleAfterMs;
}

/** Who never ran, then the least busy, then the youngest. */
function byUse(left: Pod, right: Pod): number {
  return (
    Number(right.pod.pending) - Number(left.pod.pending) ||
    runningOf(left) - runningOf(right) ||
    right.pod.createdAtMs - left.pod.createdAtMs ||
    (left.pod.uid < right.pod.uid ? -1 : 1)
  );
}

function runningOf({ report }: Pod): number {
  return report?.part?.running ?? 0;
}

function ordinalOf({ pod }: Pod): number {
  return Number(/-(\d+)$/.exec(pod.name)?.[1] ?? -1);
}
