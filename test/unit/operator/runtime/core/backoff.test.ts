import { describe, expect, it } from "vitest";
import { exponentialMs, JitteredBackoff } from "../../../../../operator/runtime/core/backoff.ts";

describe("an exponential wait", () => {
  it("doubles up to its bound, however many failures there were", () => {
    const options = { baseMs: 5, maxMs: 1_000_000 };
    const waitsMs = [0, 1, 2, 10, 17, 18, 5_000].map((count) => exponentialMs(options, count));
    expect(waitsMs).toEqual([5, 10, 20, 5_120, 655_360, 1_000_000, 1_000_000]);
  });
});

describe("a backoff with jitter", () => {
  it("waits between half and the whole of the exponential wait", () => {
    const options = { baseMs: 100, maxMs: 800 };
    const least = new JitteredBackoff(options, { next: () => 0 });
    const most = new JitteredBackoff(options, { next: () => 0.999_999 });
    const waits = (backoff: JitteredBackoff): number[] =>
      Array.from({ length: 5 }, () => Math.round(backoff.nextMs()));
    expect(waits(least)).toEqual([50, 100, 200, 400, 400]);
    expect(waits(most)).toEqual([100, 200, 400, 800, 800]);
    least.reset();
    expect(least.nextMs()).toBe(50);
  });
});
