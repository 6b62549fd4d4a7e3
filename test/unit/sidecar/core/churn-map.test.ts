import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChurnMap } from "../../../../sidecar/core/churn-map.ts";

describe("ChurnMap", () => {
  test("does what a Map does, whatever is set and deleted", () => {
    const step = fc.record({ key: fc.nat(12), value: fc.nat(), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [churn, map] = [new ChurnMap<number, number>(), new Map<number, number>()];
        for (const { key, value, remove } of steps) {
          if (remove) {
            expect(churn.delete(key)).toBe(map.delete(key));
          } else {
            churn.set(key, value);
            map.set(key, value);
          }
          expect(churn.get(key)).toBe(map.get(key));
          expect(churn.has(key)).toBe(map.has(key));
        }
        expect(churn.size).toBe(map.size);
        expect([...churn.keys()]).toEqual([...map.keys()]);
        expect([...churn.values()]).toEqual([...map.values()]);
      }),
    );
  });

  test("keeps members and their order over any number of fresh starts", () => {
    const churn = new ChurnMap<number, string>();
    churn.set(-2, "first");
    churn.set(-1, "second");
    for (let key = 0; key < 20_000; key += 1) {
      churn.set(key, "passing");
      if (key >= 10) churn.delete(key - 10);
    }
    expect(churn.size).toBe(12);
    expect([...churn.keys()].slice(0, 3)).toEqual([-2, -1, 19_990]);
    expect(churn.get(-2)).toBe("first");
  });

  test("members may be deleted while it is iterated", () => {
    const churn = new ChurnMap<number, number>();
    for (let key = 0; key < 3_000; key += 1) churn.set(key, key);
    for (const key of churn.keys()) churn.delete(key);
    expect(churn.size).toBe(0);
  });
});
