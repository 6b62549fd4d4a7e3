/** design/work.md: "Priority" and "Ordering key". */
import { describe, expect, test } from "vitest";
import { DemandRig } from "../../../../support/demand-rig.ts";

function order(rig: DemandRig, count: number): number[] {
  const worker = rig.provider("worker-0", count);
  return worker.deliveries().map(({ lease }) => Number(lease?.sequence));
}

describe("priority", () => {
  test("9 is most urgent, 4 is the default, the original order counts inside one", () => {
    const rig = new DemandRig();
    for (const priority of [0, undefined, 4, 9, 5, 9]) {
      rig.add(priority === undefined ? {} : { priority });
    }
    expect(order(rig, 6)).toEqual([4, 6, 5, 2, 3, 1]);
  });

  test("30 s of waiting are worth a point, so nothing starves", () => {
    const rig = new DemandRig();
    rig.add({ priority: 3 });
    rig.pass(29_999);
    rig.add({ priority: 4 });
    expect(order(rig, 1)).toEqual([2]);
    const later = new DemandRig();
    later.add({ priority: 3 });
    later.pass(30_000);
    later.add({ priority: 4 });
    expect(order(later, 2)).toEqual([1, 2]);
  });

  test("a requeued item keeps its priority and its original order", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    for (let index = 0; index < 3; index++) rig.add();
    worker.release();
    worker.credit(3);
    expect(worker.deliveries().map(({ lease }) => Number(lease?.sequence))).toEqual([1, 1, 2, 3]);
  });
});

describe("ordering key", () => {
  test("at most one in flight per key, in the order of becoming ready, priority ignored inside", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 9);
    const first = rig.add({ orderingKey: "a" });
    const second = rig.add({ orderingKey: "a", priority: 1 });
    const third = rig.add({ orderingKey: "a", priority: 9 });
    const other = rig.add({ orderingKey: "b" });
    const states = (): string[] =>
      [first, second, third, other].map((sequence) => rig.item(sequence).state);
    expect(states()).toEqual(["leased", "ready", "ready", "leased"]);
    const [lease] = worker.deliveries().map((delivery) => delivery.lease);
    worker.complete(lease);
    expect(states()).toEqual(["done", "leased", "ready", "leased"]);
  });

  test("backoff blocks its key only; dead frees it", () => {
    const rig = new DemandRig({ retry: { maxAttempts: 2, backoff: { initialMs: 1_000 } } });
    const worker = rig.provider("worker-0", 9);
    const first = rig.add({ orderingKey: "a" });
    const second = rig.add({ orderingKey: "a" });
    worker.fail();
    const other = rig.add();
    expect(rig.item(other).state).toBe("leased");
    expect([first, second].map((sequence) => rig.item(sequence).state)).toEqual([
      "delayed",
      "ready",
    ]);
    rig.pass(1_000);
    worker.fail();
    expect([first, second].map((sequence) => rig.item(sequence).state)).toEqual(["dead", "leased"]);
  });

  test("an item that ends while it stands behind another leaves its key in order", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 9);
    const sequences = [1, 2, 3].map(() => rig.add({ orderingKey: "a" }));
    rig.cancel(sequences[1] ?? 0);
    worker.complete();
    expect(rig.item(sequences[2] ?? 0).state).toBe("leased");
  });
});
