import { describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { FakeClock } from "./fake-clock.ts";
import { SeededRandom } from "./seeded-random.ts";
import { skipUnless, verdictOn } from "./skip-unless.ts";
import { summaryLine } from "./summary-line.ts";

describe("eventually", () => {
  test("answers as soon as the probe does, and takes a thrown error as not yet", async () => {
    let calls = 0;
    const answer = await eventually(
      () => {
        calls += 1;
        if (calls < 3) throw new Error("not yet");
        return calls;
      },
      { intervalMs: 1 },
    );
    expect(answer).toBe(3);
  });

  test("names what was waited for and the last error at the deadline", async () => {
    const never = eventually(
      () => {
        throw new Error("2 of 3 there");
      },
      { timeoutMs: 5, intervalMs: 1, what: "the third provider" },
    );
    await expect(never).rejects.toThrow(
      "the third provider did not come true within 5 ms: 2 of 3 there",
    );
  });

  test("takes false as not yet", async () => {
    const never = eventually(() => false, { timeoutMs: 5, intervalMs: 1 });
    await expect(never).rejects.toThrow("within 5 ms");
  });
});

describe("FakeClock", () => {
  test("passes only when told, and never back", () => {
    const clock = new FakeClock(10);
    expect(clock.advance(5)).toBe(15);
    expect(clock.advanceTo(20)).toBe(20);
    expect(clock.nowMs()).toBe(20);
    expect(() => clock.advance(-1)).toThrow("does not go back");
  });
});

describe("SeededRandom", () => {
  test("replays from its seed, and another seed gives another run", () => {
    const run = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20 }, () => random.integer(0, 9));
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  test("spreads evenly over its range, ends included", () => {
    const random = new SeededRandom(1);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 40_000; draw++) {
      const value = random.integer(0, 3);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});

describe("skipUnless", () => {
  test("skips on a developer's machine and fails with CI=true", () => {
    expect(verdictOn(true, true)).toBe("run");
    expect(verdictOn(false, false)).toBe("skip");
    expect(verdictOn(false, true)).toBe("fail");
  });

  skipUnless(true, "never said")("runs the suite when the condition holds", () => {
    test("inside", () => expect(true).toBe(true));
  });
});

describe("summaryLine", () => {
  const report = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };

  test("counts tests, and a file that did not load as one failure", () => {
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{}] },
    ];
    expect(summaryLine([{ ...report, testResults }])).toBe("5 passed, 2 failed, 3 skipped");
  });

  test("a run without a report is a failure", () => {
    expect(summaryLine([undefined])).toBe("0 passed, 1 failed, 0 skipped");
  });

  test("several runs are one sum, those without a report too", () => {
    const whole = { ...report, testResults: [] };
    expect(summaryLine([whole, whole])).toBe("10 passed, 2 failed, 6 skipped");
    expect(summaryLine([whole, undefined])).toBe("5 passed, 2 failed, 3 skipped");
  });
});
