import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../../../operator/runtime/core/token-bucket.ts";

describe("a token bucket", () => {
  it("lets a burst go at once and the rest at its rate", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 });
    const waitsMs = Array.from({ length: 6 }, () => bucket.reserve(0));
    expect(waitsMs).toEqual([0, 0, 0, 100, 200, 300]);
  });

  it("fills up while nobody takes, never beyond its burst", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 });
    bucket.reserve(0);
    bucket.reserve(0);
    expect(bucket.tryTake(50)).toBe(false);
    expect(bucket.tryTake(100)).toBe(true);
    expect([bucket.tryTake(1e9), bucket.tryTake(1e9), bucket.tryTake(1e9)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("takes nothing from a clock that goes back", () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 });
    expect(bucket.tryTake(10_000)).toBe(true);
    expect(bucket.tryTake(0)).toBe(false);
    expect(bucket.tryTake(10_999)).toBe(false);
    expect(bucket.tryTake(11_000)).toBe(true);
  });

  it("never lets more through than burst plus rate times time", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 50 }), { maxLength: 300 }), (steps) => {
        const bucket = new TokenBucket({ perSecond: 100, burst: 5 });
        let nowMs = 0;
        let latestMs = 0;
        let through = bucket.tryTake(nowMs) ? 1 : 0;
        for (const stepMs of steps) {
          nowMs += stepMs;
          latestMs = Math.max(latestMs, nowMs);
          if (bucket.tryTake(nowMs)) through += 1;
          expect(through).toBeLessThanOrEqual(5 + latestMs / 10 + 1e-6);
        }
      }),
    );
  });

  it("refuses a rate or a burst that lets nothing through", () => {
    expect(() => new TokenBucket({ perSecond: 0, burst: 1 })).toThrow(RangeError);
    expect(() => new TokenBucket({ perSecond: 1, burst: 0.5 })).toThrow(RangeError);
  });
});
