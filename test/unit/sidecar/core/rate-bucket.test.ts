import fc from "fast-check";
import { expect, test } from "vitest";
import { RateBucket } from "../../../../sidecar/core/rate-bucket.ts";

test("a burst at once, then the average rate", () => {
  const bucket = new RateBucket({ perSecond: 10, burst: 3 });
  for (let count = 0; count < 3; count++) expect(bucket.take(0)).toEqual({ ok: true, waitMs: 0 });
  expect(bucket.take(0)).toEqual({ ok: false, retryAfterMs: 100 });
  expect(bucket.take(100)).toEqual({ ok: true, waitMs: 0 });
});

test("says when a turn is there, and takes none by that", () => {
  const bucket = new RateBucket({ perSecond: 10, burst: 1 });
  expect([bucket.waitMs(0), bucket.waitMs(0)]).toEqual([0, 0]);
  bucket.take(0);
  expect([0, 60, 100, 500].map((atMs) => bucket.waitMs(atMs))).toEqual([100, 40, 0, 0]);
});

test("turns may be taken ahead, in order, up to the wait that is accepted", () => {
  const bucket = new RateBucket({ perSecond: 10, burst: 1 });
  const turns = [0, 1, 2, 3].map(() => bucket.take(0, 200));
  expect(turns).toEqual([
    { ok: true, waitMs: 0 },
    { ok: true, waitMs: 100 },
    { ok: true, waitMs: 200 },
    { ok: false, retryAfterMs: 100 },
  ]);
});

test("whatever comes when, no second has more than burst and rate together", () => {
  const gaps = fc.array(fc.nat({ max: 300 }), { maxLength: 200 });
  fc.assert(
    fc.property(
      gaps,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (all, perSecond, burst) => {
        const bucket = new RateBucket({ perSecond, burst });
        const taken: number[] = [];
        let nowMs = 0;
        for (const gap of all) {
          nowMs += gap;
          if (bucket.take(nowMs).ok) taken.push(nowMs);
        }
        for (const fromMs of taken) {
          const within = taken.filter((at) => at >= fromMs && at < fromMs + 1_000).length;
          expect(within).toBeLessThanOrEqual(burst + perSecond);
        }
      },
    ),
  );
});
