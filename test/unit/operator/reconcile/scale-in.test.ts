import { describe, expect, test } from "vitest";
import type { PoolReport, SelectedPod } from "../../../../operator/reconcile/index.ts";
import {
  noScaleIn,
  type ScaleInInput,
  type ScaleInMemory,
  type ScaleInStep,
  scaleInStep,
} from "../../../../operator/reconcile/scale-in.ts";
import { pod, pool, report, startMs } from "../../../support/reconcile-rig.ts";

type Pod = SelectedPod<PoolReport>;

const nowMs = startMs + 60_000;

/** A worker that runs some items and heard nothing of QUIESCE. */
function worker(name: string, running = 0): Pod {
  return { pod: pod(name), report: report(pool({ running }), { receivedAtMs: nowMs }) };
}

/** The same worker once it has nothing and takes nothing. */
function quiet(name: string, receivedAtMs: number): Pod {
  return { pod: pod(name), report: report(pool(), { quiesced: true, receivedAtMs }) };
}

interface Shown {
  readonly pods: readonly Pod[];
  /** As many as `pods` unless said. */
  readonly existing?: number;
  readonly current: number;
  readonly desired: number;
  readonly kind?: ScaleInInput["targetKind"];
  readonly memory?: ScaleInMemory;
  readonly atMs?: number;
}

function step(shown: Shown): ScaleInStep {
  const { pods, current, desired, kind = "Deployment", memory = noScaleIn, atMs = nowMs } = shown;
  const { existing = pods.length } = shown;
  return scaleInStep({ targetKind: kind, pods, existing, current, desired }, memory, atMs);
}

function names(pods: readonly Pod[]): string[] {
  return pods.map((it) => it.pod.name).sort();
}

describe("scaling in a Deployment", () => {
  test("asks the least busy, then the youngest, and removes nobody yet", () => {
    const young = { ...worker("d"), pod: pod("d", { createdAtMs: startMs }) };
    const pods = [worker("a", 2), worker("b", 1), worker("c"), young];
    const { quiesced, lowerBy, marked } = step({ pods, current: 4, desired: 2 });
    expect(quiesced).toEqual(["uid-c", "uid-d"]);
    expect([lowerBy, marked]).toEqual([0, []]);
  });

  test("lowers by those who confirmed, and marks exactly them", () => {
    const pods = [worker("a"), worker("b"), worker("c")];
    const { memory } = step({ pods, current: 3, desired: 1 });
    const later = [worker("a"), quiet("b", nowMs + 5), worker("c")];
    const asked = memory.candidates.map(({ podUid }) => podUid);
    expect(asked).toEqual(["uid-a", "uid-b"]);
    const next = step({ pods: later, current: 3, desired: 1, memory, atMs: nowMs + 5 });
    expect(next.lowerBy).toBe(1);
    expect(names(next.marked)).toEqual(["b"]);
    expect(next.quiesced).toEqual(["uid-a", "uid-b"]);
  });

  test("a confirmation from before the question counts for nothing", () => {
    const pods = [quiet("a", nowMs - 5)];
    const { memory } = step({ pods, current: 1, desired: 0 });
    expect(step({ pods, current: 1, desired: 0, memory, atMs: nowMs + 1 }).lowerBy).toBe(0);
  });

  test("a confirmation of a sidecar that went away since counts for nothing", () => {
    const { memory } = step({ pods: [worker("a")], current: 1, desired: 0 });
    const gone = quiet("a", nowMs + 5);
    const pods = [{ ...gone, report: report(pool(), { ...gone.report, connected: false }) }];
    expect(step({ pods, current: 1, desired: 0, memory, atMs: nowMs + 6 }).lowerBy).toBe(0);
  });

  test("work that comes back lets everybody work again who was not lowered", () => {
    const pods = [worker("a"), worker("b")];
    const { memory } = step({ pods, current: 2, desired: 1 });
    expect(memory.candidates).toHaveLength(1);
    const next = step({ pods, current: 2, desired: 2, memory });
    expect([next.quiesced, next.lowerBy]).toEqual([[], 0]);
  });

  test("a lowered pod that is still there after 30 s works again, and nobody is asked for 30 s", () => {
    const first = step({ pods: [worker("a")], current: 1, desired: 0 });
    const pods = [quiet("a", nowMs + 1)];
    const lowered = step({ pods, current: 1, desired: 0, memory: first.memory, atMs: nowMs + 1 });
    expect([lowered.lowerBy, lowered.changesAfterMs]).toEqual([1, 30_000]);
    const memory = lowered.memory;
    const waiting = step({ pods, current: 0, desired: 0, memory, atMs: nowMs + 30_000 });
    expect([names(waiting.marked), waiting.quiesced]).toEqual([["a"], ["uid-a"]]);
    const overdue = step({ pods, current: 0, desired: 0, memory, atMs: nowMs + 30_001 });
    expect([names(overdue.undone), overdue.quiesced, overdue.marked]).toEqual([["a"], [], []]);
    const resting = { pods, current: 1, desired: 0, memory: overdue.memory };
    expect(step({ ...resting, atMs: nowMs + 60_000 }).quiesced).toEqual([]);
    expect(step({ ...resting, atMs: nowMs + 60_001 }).quiesced).toEqual(["uid-a"]);
  });

  test("a pod whose deletion began stays quiet until it is gone", () => {
    const { memory } = step({ pods: [worker("a"), worker("b")], current: 2, desired: 1 });
    const leaving = { ...quiet("a", nowMs + 1), pod: pod("a", { deleted: true }) };
    const next = step({ pods: [leaving, worker("b")], current: 1, desired: 1, memory });
    expect([next.quiesced, next.marked, next.lowerBy]).toEqual([["uid-a"], [], 0]);
    const gone = step({ pods: [worker("b")], current: 1, desired: 1, memory: next.memory });
    expect(gone.quiesced).toEqual([]);
  });

  test("replicas without a pod and pods that never ran go first and at once", () => {
    const pending = { pod: pod("p", { pending: true }) };
    const pods = [worker("a", 1), pending];
    const first = step({ pods, current: 4, desired: 1 });
    expect([first.lowerBy, names(first.marked)]).toEqual([3, ["p"]]);
  });

  test("a pod without a sidecar is no missing replica", () => {
    const pods = [worker("a", 2)];
    const shown = { pods, existing: 3, current: 4 };
    expect(step({ ...shown, desired: 1 })).toMatchObject({ lowerBy: 1, quiesced: ["uid-a"] });
    expect(step({ ...shown, desired: 3 })).toMatchObject({ lowerBy: 1, quiesced: [] });
  });

  test("pods that the target has not counted yet are no missing replicas", () => {
    const pods = [worker("a", 1), worker("b", 1)];
    expect(step({ pods, existing: 0, current: 2, desired: 1 }).lowerBy).toBe(0);
  });

  test("a pod whose sidecar cannot be asked is not removed", () => {
    const pods = [{ pod: pod("a") }, worker("b", 5)];
    const { quiesced, lowerBy } = step({ pods, current: 2, desired: 0 });
    expect([quiesced, lowerBy]).toEqual([["uid-b"], 0]);
  });

  test("a candidate whose sidecar went away makes room for another", () => {
    const { memory } = step({ pods: [worker("a"), worker("b", 1)], current: 2, desired: 1 });
    const away = report(pool(), { connected: false, receivedAtMs: nowMs });
    const pods = [{ pod: pod("a"), report: away }, worker("b", 1)];
    const next = step({ pods, current: 2, desired: 1, memory, atMs: nowMs + 10_000 });
    expect(next.quiesced).toEqual(["uid-b"]);
  });
});

describe("scaling in a StatefulSet", () => {
  const kind = "StatefulSet";

  test("asks the highest ordinals, by number and not by text", () => {
    const pods = [worker("w-2"), worker("w-9", 3), worker("w-10", 3)];
    expect(step({ kind, pods, current: 3, desired: 1 }).quiesced).toEqual(["uid-w-10", "uid-w-9"]);
  });

  test("a pod without a sidecar is no missing replica", () => {
    const shown = { kind, pods: [worker("w-0")], existing: 3, current: 4 } as const;
    expect(step({ ...shown, desired: 1 }).lowerBy).toBe(1);
  });

  test("lowers only from the highest on without a gap, and marks nobody", () => {
    const pods = [worker("w-0"), worker("w-1"), worker("w-2")];
    const { memory } = step({ kind, pods, current: 3, desired: 1 });
    const atMs = nowMs + 5;
    const lower = [worker("w-0"), quiet("w-1", atMs), worker("w-2", 1)];
    const held = step({ kind, pods: lower, current: 3, desired: 1, memory, atMs });
    expect([held.lowerBy, held.marked]).toEqual([0, []]);
    const upper = [worker("w-0"), worker("w-1"), quiet("w-2", atMs)];
    const one = step({ kind, pods: upper, current: 3, desired: 1, memory, atMs });
    expect([one.lowerBy, one.marked]).toEqual([1, []]);
  });

  test("a missing ordinal in the middle is no reason to lower the top", () => {
    const pods = [worker("w-0"), worker("w-2", 1)];
    expect(step({ kind, pods, current: 3, desired: 1 }).lowerBy).toBe(0);
  });

  test("missing ordinals at the top are lowered at once", () => {
    const pods = [worker("w-0"), worker("w-1", 1)];
    expect(step({ kind, pods, current: 4, desired: 1 }).lowerBy).toBe(2);
  });
});
