import { describe, expect, test, vi } from "vitest";
import {
  realClock,
  realRandom,
  realTimers,
  realWallClock,
} from "../../../../sidecar/runtime/clock.ts";

describe("the real clocks", () => {
  test("the monotonic one never goes back", () => {
    let beforeMs = realClock.nowMs();
    for (let look = 0; look < 1_000; look++) {
      const nowMs = realClock.nowMs();
      expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
      beforeMs = nowMs;
    }
  });

  test("the wall clock counts from 1970, chance is in [0, 1)", () => {
    expect(realWallClock.nowEpochMs()).toBeGreaterThan(Date.UTC(2020, 0, 1));
    const drawn = Array.from({ length: 1_000 }, () => realRandom.next());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});

describe("the real timers", () => {
  test("call once, unless cancelled; cancelling again is harmless", () => {
    vi.useFakeTimers();
    try {
      const called: string[] = [];
      realTimers.after(10, () => called.push("a"));
      const cancel = realTimers.after(10, () => called.push("b"));
      cancel();
      cancel();
      vi.advanceTimersByTime(100);
      expect(called).toEqual(["a"]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("hold a delay that Node cannot as its longest, instead of firing at once", () => {
    vi.useFakeTimers();
    try {
      let called = 0;
      realTimers.after(2 ** 40, () => (called += 1));
      realTimers.after(-5, () => (called += 10));
      vi.advanceTimersByTime(1_000);
      expect(called).toBe(10);
      vi.advanceTimersByTime(2 ** 31);
      expect(called).toBe(11);
    } finally {
      vi.useRealTimers();
    }
  });
});
