/**
 * What the selected pods' sidecars add up to. Four things may be true of a pod: it has no sidecar;
 * its sidecar was not heard since this leader started (*silent*); it was heard and its stream is
 * closed for longer than a restart takes (*stale*); or it is *fresh*, and then it works by the
 * object's generation (*applied*) or not yet (*behind*).
 */
import type { SelectedPod, SidecarReport } from "./observed.ts";

/** A sidecar whose stream is closed counts as there for this long: a restart takes 1 to 6 s. */
export const staleAfterMs = 10_000;

/**
 * A new leader waits this long for sidecars to come to it before it says that they are gone.
 * They come back within 5 s and a little.
 */
export const settleMs = 15_000;

/** A selected pod whose sidecar works by the object's generation. */
export interface AppliedPod<Part> {
  readonly selected: SelectedPod<Part>;
  readonly report: SidecarReport<Part>;
}

/** The selected pods, sorted by what is known of them. Deleted and ended pods are left out. */
export interface Survey<Part> {
  readonly living: readonly SelectedPod<Part>[];
  readonly withoutSidecar: readonly SelectedPod<Part>[];
  readonly silent: readonly SelectedPod<Part>[];
  readonly stale: readonly SelectedPod<Part>[];
  /** Stale ones, and silent ones that had time to come and are older than this leader. */
  readonly lost: readonly SelectedPod<Part>[];
  readonly fresh: readonly SelectedPod<Part>[];
  readonly applied: readonly AppliedPod<Part>[];
  readonly behind: readonly SelectedPod<Part>[];
  /** Some pods that are older than this leader may still come back to it. */
  readonly settling: boolean;
  /** When time alone changes this survey, ms from now; Infinity: never. */
  readonly changesAfterMs: number;
}

/** Whose survey, and when. */
export interface SurveyedAt {
  readonly generation: number;
  readonly leaderSinceMs: number;
  readonly nowMs: number;
}

/** Sorts the selected pods. Cost: one pass. */
export function survey<Part>(
  pods: readonly SelectedPod<Part>[],
  { generation, leaderSinceMs, nowMs }: SurveyedAt,
): Survey<Part> {
  const living = pods.filter(({ pod }) => !pod.deleted && !pod.ended);
  const carrying = living.filter(({ pod }) => pod.injected);
  const silent = carrying.filter(({ report }) => report === undefined);
  const fresh = carrying.filter(({ report }) => report !== undefined && isFresh(report, nowMs));
  const stale = carrying.filter(({ report }) => report !== undefined && !isFresh(report, nowMs));
  const applied = fresh.flatMap((selected): AppliedPod<Part>[] => {
    const { report } = selected;
    const known = report?.acknowledged;
    if (report === undefined || known === undefined) return [];
    const inForce = known.generation >= generation && known.refusal === undefined;
    return inForce ? [{ selected, report }] : [];
  });
  const appliedPods = new Set(applied.map(({ selected }) => selected));
  const settleEndMs = leaderSinceMs + settleMs;
  const older = silent.filter(({ pod }) => pod.createdAtMs < leaderSinceMs && !pod.pending);
  const settling = older.length > 0 && nowMs < settleEndMs;
  const deadlines = fresh.flatMap(({ report }) =>
    report === undefined || report.connected ? [] : [report.receivedAtMs + staleAfterMs],
  );
  if (settling) deadlines.push(settleEndMs);
  return {
    living,
    withoutSidecar: living.filter(({ pod }) => !pod.injected),
    silent,
    stale,
    lost: settling ? stale : [...stale, ...older],
    fresh,
    applied,
    behind: fresh.filter((it) => !appliedPods.has(it)),
    settling,
    changesAfterMs: Math.min(...deadlines.map((deadlineMs) => deadlineMs - nowMs)),
  };
}

function isFresh({ connected, receivedAtMs }: SidecarReport<unknown>, nowMs: number): boolean {
  return connected || nowMs < receivedAtMs + staleAfterMs;
}
