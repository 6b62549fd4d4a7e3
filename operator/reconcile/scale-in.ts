/**
 * Removing replicas without removing work. Each candidate goes through:
 *
 *   asked     it is to take nothing more (QUIESCE). Leaves when it confirms that its credit is 0
 *             and nothing in it is worked on (→ lowered), or when it need not go any longer
 *             (→ works again).
 *   lowered   it is marked to be removed first and the target's replicas are lowered by it. Leaves
 *             when its deletion begins (→ leaving), or 30 s later (→ works again, the mark is taken
 *             back).
 *   leaving   it is being deleted, and stays quiet until it is gone.
 */
import type { PoolReport, SelectedPod } from "./observed.ts";
import { removalOrders } from "./removal-order.ts";

/** A pod on its way out. */
export interface Candidate {
  readonly podUid: string;
  readonly askedAtMs: number;
  /** When the target's replicas were lowered by it; absent: not yet. */
  readonly loweredAtMs?: number;
}

/** What is remembered between two looks. A new leader begins without. */
export interface ScaleInMemory {
  readonly candidates: readonly Candidate[];
  /** Nobody is asked anew before this. */
  readonly restUntilMs: number;
}

/** Nothing is on its way out. */
export const noScaleIn: ScaleInMemory = { candidates: [], restUntilMs: 0 };

type Pod = SelectedPod<PoolReport>;

/** What a step is made of. */
export interface ScaleInInput {
  readonly targetKind: keyof typeof removalOrders;
  /** The target's pods that the Capability selects. */
  readonly pods: readonly Pod[];
  /** Pods of the target, those included that have no sidecar or are not selected. */
  readonly existing: number;
  /** Replicas that the target asks for now. */
  readonly current: number;
  /** Replicas that it should ask for. */
  readonly desired: number;
}

/** A step. Its memory holds only if what it asks for was done. */
export interface ScaleInStep {
  readonly memory: ScaleInMemory;
  /** Uids of the pods that take nothing more. */
  readonly quiesced: readonly string[];
  /** Pods that are to be removed first. */
  readonly marked: readonly Pod[];
  /** Replicas fewer, now. */
  readonly lowerBy: number;
  /** Pods that should have gone and work again. */
  readonly undone: readonly Pod[];
  /** ms from now; Infinity: only a change does anything. */
  readonly changesAfterMs: number;
}

/** A lowered pod that is still there after this takes work again. */
export const undoAfterMs = 30_000;

/** One step. The same input and memory make the same step. */
export function scaleInStep(
  input: ScaleInInput,
  memory: ScaleInMemory,
  nowMs: number,
): ScaleInStep {
  const order = removalOrders[input.targetKind];
  const byUid = new Map(input.pods.map((it) => [it.pod.uid, it]));
  const podOf = ({ podUid }: Candidate): Pod[] => [byUid.get(podUid) ?? []].flat();
  const sorted = sortCandidates(memory.candidates, byUid, nowMs);
  const { leaving, lowered, overdue } = sorted;
  const away = new Set([...leaving, ...lowered].map(({ podUid }) => podUid));
  const remaining = input.pods.filter(
    ({ pod }) => !pod.deleted && !pod.ended && !away.has(pod.uid),
  );
  const surplus = Math.max(0, input.current - input.desired);
  const absent = Math.min(surplus, order.absent(remaining, input));
  const restUntilMs = overdue.length > 0 ? nowMs + undoAfterMs : memory.restUntilMs;
  const before = new Map(sorted.asked.map((it) => [it.podUid, it]));
  const count = surplus - absent;
  const asked = order
    .ranked(remaining, { count, asked: new Set(before.keys()), nowMs })
    .filter(({ pod }) => before.has(pod.uid) || nowMs >= restUntilMs)
    .slice(0, count);
  const candidateOf = ({ pod }: Pod): Candidate =>
    before.get(pod.uid) ?? { podUid: pod.uid, askedAtMs: nowMs };
  const going = order.leaving(asked, (it) => hasConfirmed(it, candidateOf(it)));
  const newly = going.map((it): Candidate => ({ ...candidateOf(it), loweredAtMs: nowMs }));
  const waiting = asked.filter((it) => !going.includes(it)).map(candidateOf);
  const candidates = [...leaving, ...lowered, ...newly, ...waiting];
  const deadlines = [...lowered, ...newly].map((it) => leftMs(it, nowMs));
  if (count > asked.length && nowMs < restUntilMs) deadlines.push(restUntilMs - nowMs);
  return {
    memory: { candidates, restUntilMs },
    quiesced: candidates.map(({ podUid }) => podUid).sort(),
    marked: order.byMark ? [...lowered, ...newly].flatMap(podOf) : [],
    lowerBy: absent + going.length,
    undone: overdue.flatMap(podOf),
    changesAfterMs: Math.min(...deadlines),
  };
}

interface SortedCandidates {
  readonly asked: readonly Candidate[];
  readonly lowered: readonly Candidate[];
  readonly overdue: readonly Candidate[];
  readonly leaving: readonly Candidate[];
}

function sortCandidates(
  candidates: readonly Candidate[],
  byUid: ReadonlyMap<string, Pod>,
  nowMs: number,
): SortedCandidates {
  const there = candidates.filter(({ podUid }) => byUid.get(podUid)?.pod.ended === false);
  const isLeaving = ({ podUid }: Candidate): boolean => byUid.get(podUid)?.pod.deleted === true;
  const staying = there.filter((it) => !isLeaving(it));
  const lowered = staying.filter(({ loweredAtMs }) => loweredAtMs !== undefined);
  return {
    asked: staying.filter(({ loweredAtMs }) => loweredAtMs === undefined),
    lowered: lowered.filter((it) => leftMs(it, nowMs) > 0),
    overdue: lowered.filter((it) => leftMs(it, nowMs) <= 0),
    leaving: there.filter(isLeaving),
  };
}

function leftMs({ loweredAtMs }: Candidate, nowMs: number): number {
  return loweredAtMs === undefined ? Number.POSITIVE_INFINITY : loweredAtMs + undoAfterMs - nowMs;
}

/** A confirmation from before the question is none. */
function hasConfirmed({ pod, report }: Pod, { askedAtMs }: Candidate): boolean {
  if (report === undefined) return pod.pending;
  return report.connected && report.quiesced && report.receivedAtMs > askedAtMs;
}
