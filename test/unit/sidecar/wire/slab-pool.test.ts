import { expect, test } from "vitest";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";

test("a slab's rest is given out again, never what was used", () => {
  const pool = new SlabPool(1_000);
  const slab = pool.acquire(10);
  slab.used = 400;
  pool.release(slab);
  const again = pool.acquire(600);
  expect(again).toBe(slab);
  expect(again.used).toBe(400);
});

test("a slab that is lent is nobody else's", () => {
  const pool = new SlabPool(1_000);
  expect(pool.acquire(10)).not.toBe(pool.acquire(10));
});

test("a rest that is too small is let go, and a greater need gets a greater slab", () => {
  const pool = new SlabPool(1_000);
  const slab = pool.acquire(10);
  slab.used = 950;
  pool.release(slab);
  expect(pool.acquire(10)).not.toBe(slab);
  expect(pool.acquire(5_000).bytes.length).toBe(5_000);
});
