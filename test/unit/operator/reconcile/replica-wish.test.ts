import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  firstMemory,
  nextWish,
  type ReplicaWish,
  type ScaleSpec,
  type WishInput,
} from "../../../../operator/reconcile/replica-wish.ts";

const scale: ScaleSpec = {
  targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "worker" },
  minReplicas: 0,
  maxReplicas: 10,
  itemsPerReplica: 10,
  idleAfter: "5m",
  stabilization: "1m",
};

function wishes(
  steps: readonly (WishInput & { readonly atMs: number })[],
  spec = scale,
): ReplicaWish[] {
  let memory = firstMemory(steps[0]?.current ?? 0, undefined, 0);
  return steps.map((step) => {
    const wish = nextWish(spec, step, { memory, nowMs: step.atMs });
    memory = wish.memory;
    return wish;
  });
}

function desired(steps: Parameters<typeof wishes>[0], spec = scale): number[] {
  return wishes(steps, spec).map((wish) => wish.desired);
}

const known = { unknown: false };

describe("the wish for replicas", () => {
  test("rises at once with the work, up to maxReplicas", () => {
    expect(
      desired([
        { atMs: 0, current: 0, items: 1, ...known },
        { atMs: 1, current: 1, items: 45, ...known },
        { atMs: 2, current: 5, items: 5_000, ...known },
      ]),
    ).toEqual([1, 5, 10]);
  });

  test("falls only to the highest wish of the stabilization window", () => {
    expect(
      desired([
        { atMs: 0, current: 8, items: 80, ...known },
        { atMs: 30_000, current: 8, items: 40, ...known },
        { atMs: 59_999, current: 8, items: 10, ...known },
        { atMs: 60_000, current: 8, items: 10, ...known },
        { atMs: 90_000, current: 4, items: 10, ...known },
      ]),
    ).toEqual([8, 8, 8, 4, 1]);
  });

  test("keeps one replica until idleAfter has passed without work", () => {
    const steps = [
      { atMs: 0, current: 1, items: 1, ...known },
      { atMs: 299_999, current: 1, items: 0, ...known },
      { atMs: 300_000, current: 1, items: 0, ...known },
      { atMs: 360_000, current: 1, items: 0, ...known },
    ];
    expect(desired(steps)).toEqual([1, 1, 1, 0]);
  });

  test("never removes anybody while a queue is unknown, and still rises", () => {
    const unknown = { unknown: true };
    expect(
      desired([
        { atMs: 0, current: 3, items: 0, ...unknown },
        { atMs: 1_000_000, current: 3, items: 0, ...unknown },
        { atMs: 1_000_001, current: 3, items: 60, ...unknown },
      ]),
    ).toEqual([3, 3, 6]);
  });

  test("a time in which a queue is unknown is no idle time", () => {
    const steps = [
      { atMs: 0, current: 1, items: 0, ...known },
      { atMs: 400_000, current: 1, items: 0, unknown: true },
      { atMs: 400_001, current: 1, items: 0, ...known },
      { atMs: 699_999, current: 1, items: 0, ...known },
      { atMs: 700_000, current: 1, items: 0, ...known },
      { atMs: 760_000, current: 1, items: 0, ...known },
    ];
    expect(desired(steps)).toEqual([1, 1, 1, 1, 1, 0]);
  });

  test("what stands while a queue is unknown is a wish like any other", () => {
    const steps = [
      { atMs: 0, current: 8, items: 80, ...known },
      { atMs: 100_000, current: 8, items: 10, unknown: true },
      { atMs: 100_001, current: 8, items: 10, ...known },
      { atMs: 159_999, current: 8, items: 10, ...known },
      { atMs: 160_000, current: 8, items: 10, ...known },
    ];
    expect(desired(steps)).toEqual([8, 8, 8, 8, 1]);
  });

  test("time alone changes nothing while a queue is unknown", () => {
    const [wish] = wishes([{ atMs: 0, current: 3, items: 0, unknown: true }]);
    expect(wish?.changesAfterMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("stays at 0 where there never was work", () => {
    expect(desired([{ atMs: 0, current: 0, items: 0, ...known }])).toEqual([0]);
  });

  test("rises to minReplicas without work", () => {
    const steps = [{ atMs: 0, current: 0, items: 0, ...known }];
    expect(desired(steps, { ...scale, minReplicas: 2 })).toEqual([2]);
  });

  test("falls below a maxReplicas that was lowered", () => {
    const steps = [{ atMs: 0, current: 20, items: 5_000, ...known }];
    expect(desired(steps)).toEqual([10]);
  });

  test("says when time alone changes it", () => {
    const [, second] = wishes([
      { atMs: 0, current: 8, items: 80, ...known },
      { atMs: 20_000, current: 8, items: 10, ...known },
    ]);
    expect(second?.changesAfterMs).toBe(40_000);
  });

  test("a new leader goes on from the idle time that an earlier one noted", () => {
    const memory = firstMemory(1, 0, 290_000);
    const wish = nextWish(
      scale,
      { current: 1, items: 0, unknown: false },
      { memory, nowMs: 350_000 },
    );
    expect(wish.desired).toBe(0);
  });

  test("equals the plain definition, for any work", () => {
    const step = fc.record({
      passMs: fc.integer({ min: 1, max: 40_000 }),
      items: fc.integer({ min: 0, max: 120 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        let memory = firstMemory(3, undefined, 0);
        let current = 3;
        let nowMs = 0;
        const history = [{ atMs: 0, replicas: 3 }];
        let workedAtMs = 0;
        for (const { passMs, items } of steps) {
          nowMs += passMs;
          if (items > 0) workedAtMs = nowMs;
          const idle = nowMs - workedAtMs >= 300_000;
          const floor = idle || (current === 0 && items === 0) ? 0 : 1;
          const replicas = Math.min(10, Math.max(Math.ceil(items / 10), floor));
          history.push({ atMs: nowMs, replicas });
          const recent = history.filter(({ atMs }) => atMs > nowMs - 60_000);
          const highest = Math.max(...recent.map((it) => it.replicas));
          const expected = replicas > current ? replicas : Math.min(current, highest);
          const input = { items, unknown: false, current };
          const wish = nextWish(scale, input, { memory, nowMs });
          expect(wish.desired).toBe(expected);
          expect(wish.memory.wishes.length).toBeLessThanOrEqual(scale.maxReplicas + 1);
          memory = wish.memory;
          current = wish.desired;
        }
      }),
    );
  });
});
