import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplayWindow } from "../../../../../sidecar/core/discovery/replay-window.ts";

describe("a replay window", () => {
  test("takes each number once, also late ones", () => {
    const window = new ReplayWindow();
    const answers = [1, 3, 3, 2, 2, 1].map((n) => window.take(n));
    expect(answers).toEqual(["new", "new", "duplicate", "new", "duplicate", "duplicate"]);
  });

  test("calls 256 behind old, and 255 behind new", () => {
    const window = new ReplayWindow();
    window.take(1000);
    expect(window.take(744)).toBe("old");
    expect(window.take(745)).toBe("new");
  });

  test("forgets what it jumped over", () => {
    const window = new ReplayWindow();
    window.take(1);
    window.take(100_000);
    expect(window.take(100_000 - 255)).toBe("new");
  });

  test("agrees with a set of all numbers seen", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 400 }), (numbers) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let highest = 0;
        for (const n of numbers) {
          const expected = n + 256 <= highest ? "old" : seen.has(n) ? "duplicate" : "new";
          expect(window.take(n)).toBe(expected);
          seen.add(n);
          highest = Math.max(highest, n);
        }
      }),
    );
  });
});
