import fc from "fast-check";
import { expect, test } from "vitest";
import { SequenceMap } from "../../../../sidecar/core/sequence-map.ts";

interface Member {
  readonly key: number;
}

/** Small keys meet often; far ones have pages of their own. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
const step = fc.record({ what: fc.constantFrom("set", "delete", "get"), key });

test("does what a Map does", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const subject = new SequenceMap<Member>();
      const model = new Map<number, Member>();
      for (const { what, key } of steps) {
        if (what === "set") {
          const member = { key };
          subject.set(key, member);
          model.set(key, member);
        } else if (what === "delete") {
          expect(subject.delete(key)).toBe(model.delete(key));
        }
        expect(subject.get(key)).toBe(model.get(key));
        expect(subject.has(key)).toBe(model.has(key));
        expect(subject.size).toBe(model.size);
      }
      const byKey = (left: Member, right: Member): number => left.key - right.key;
      expect([...subject.values()].sort(byKey)).toEqual([...model.values()].sort(byKey));
    }),
  );
});

test("shows members in the order of their keys when those came in order", () => {
  const subject = new SequenceMap<Member>();
  for (let each = 1; each <= 1_000; each += 1) subject.set(each, { key: each });
  for (let each = 1; each <= 1_000; each += 3) subject.delete(each);
  const keys = [...subject.values()].map((member) => member.key);
  expect(keys).toEqual(keys.toSorted((left, right) => left - right));
  expect(keys).toHaveLength(666);
});
