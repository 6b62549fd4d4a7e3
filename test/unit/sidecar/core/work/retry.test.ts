/** design/work.md: "Backoff: exponential, full jitter, cap". */
import { describe, expect, test } from "vitest";
import { backoffMs } from "../../../../../sidecar/core/work/retry.ts";

const backoff = { initialMs: 200, maxMs: 60_000, factor: 2 };

describe("backoff", () => {
  test.each([
    [1, 200],
    [2, 400],
    [5, 3_200],
    [9, 51_200],
    [10, 60_000],
    [100, 60_000],
  ])("after %d failed attempts it is at most %d ms", (failed, ceilingMs) => {
    expect(backoffMs(backoff, failed, { next: () => 0.999_999_9 })).toBe(ceilingMs);
  });

  test("full jitter: anything from 0", () => {
    expect(backoffMs(backoff, 5, { next: () => 0 })).toBe(0);
    expect(backoffMs(backoff, 5, { next: () => 0.5 })).toBe(1_600);
  });
});
