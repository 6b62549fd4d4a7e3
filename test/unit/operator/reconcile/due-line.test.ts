import fc from "fast-check";
import { expect, test } from "vitest";
import { DueLine, type LineMember } from "../../../../operator/reconcile/due-line.ts";

test("gives out whoever may go in the order of turns, as a sorted list does", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "remove", "take"),
    which: fc.nat({ max: 9 }),
    delayMs: fc.integer({ min: -20, max: 50 }),
    turn: fc.nat({ max: 1_000_000 }),
    passMs: fc.nat({ max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const line = new DueLine<LineMember>();
      const members = Array.from({ length: 10 }, () => ({ readyAtMs: 0, turn: 0, place: -1 }));
      let inside: LineMember[] = [];
      let nowMs = 0;
      for (const [index, { kind, which, delayMs, turn, passMs }] of steps.entries()) {
        nowMs += passMs;
        const member = members[which];
        if (member === undefined) continue;
        if (kind === "add" && !inside.includes(member)) {
          // No two have the same turn.
          Object.assign(member, { readyAtMs: nowMs + delayMs, turn: turn * 1_000 + index });
          line.add(member, nowMs);
          inside.push(member);
        } else if (kind === "remove") {
          if (inside.includes(member)) line.remove(member);
          inside = inside.filter((it) => it !== member);
        } else if (kind === "take") {
          const ready = inside.filter(({ readyAtMs }) => readyAtMs <= nowMs);
          const expected = ready.toSorted((left, right) => left.turn - right.turn)[0];
          expect(line.take(nowMs)).toBe(expected);
          inside = inside.filter((it) => it !== expected);
        }
        const times = inside.map(({ readyAtMs }) => Math.max(readyAtMs, nowMs));
        expect(line.nextMs(nowMs)).toBe(Math.min(...times));
      }
    }),
  );
});
