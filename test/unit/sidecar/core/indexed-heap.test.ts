import fc from "fast-check";
import { expect, test } from "vitest";
import { IndexedHeap } from "../../../../sidecar/core/indexed-heap.ts";

interface Member {
  key: number;
  index: number;
}

test("gives members out in order under any puts, moves and removals, as a sorted list does", () => {
  const step = fc.record({
    kind: fc.constantFrom("put", "move", "remove", "pop"),
    which: fc.nat(20),
    key: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new IndexedHeap<Member>({
        before: (left, right) => left.key < right.key,
        indexOf: (member) => member.index,
        place: (member, index) => {
          member.index = index;
        },
      });
      const members = Array.from({ length: 21 }, () => ({ key: 0, index: -1 }));
      const inside = new Set<Member>();
      for (const { kind, which, key } of steps) {
        const member = members[which];
        if (member === undefined) continue;
        if (kind === "put" || kind === "move") {
          member.key = key;
          heap.put(member);
          inside.add(member);
        } else if (kind === "remove") {
          heap.remove(member);
          inside.delete(member);
        } else {
          const first = heap.pop();
          const least = Math.min(...[...inside].map((one) => one.key));
          expect(first?.key ?? Infinity).toBe(least);
          if (first !== undefined) inside.delete(first);
        }
        expect(heap.size).toBe(inside.size);
        for (const one of members) expect(one.index >= 0).toBe(inside.has(one));
        const least = Math.min(...[...inside].map((one) => one.key));
        expect(heap.peek()?.key ?? Infinity).toBe(least);
      }
    }),
  );
});
