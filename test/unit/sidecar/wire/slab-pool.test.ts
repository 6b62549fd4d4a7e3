import { describe, expect, test } from "vitest";
import { type Slab, SlabPool } from "../../../../sidecar/wire/slab-pool.ts";

/** Uses `sizeBytes` of a slab for a batch that stays under way. */
function batch(pool: SlabPool, slab: Slab, sizeBytes: number): void {
  slab.used += sizeBytes;
  slab.sent();
  pool.release(slab);
}

describe("while a batch is under way", () => {
  test("the slab's rest is given out again, never what was used", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 400);
    const again = pool.acquire(600);
    expect(again).toBe(slab);
    expect(again.used).toBe(400);
  });

  test("a slab with a small rest is given to nobody", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 950);
    expect(pool.acquire(10)).not.toBe(slab);
  });

  test("a slab that is lent keeps what was used, whatever is written", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 400);
    expect(pool.acquire(10)).toBe(slab);
    slab.written();
    expect(slab.used).toBe(400);
  });
});

describe("once all its batches are written", () => {
  test("a slab that waits begins anew", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 400);
    batch(pool, pool.acquire(10), 100);
    slab.written();
    expect(slab.used).toBe(500);
    slab.written();
    expect(slab.used).toBe(0);
  });

  test("a full slab comes back", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 950);
    slab.written();
    expect(pool.acquire(1_000)).toBe(slab);
    expect(slab.used).toBe(0);
  });

  test("a slab whose rest was too small for a need comes back", () => {
    const pool = new SlabPool(1_000);
    const slab = pool.acquire(10);
    batch(pool, slab, 400);
    expect(pool.acquire(700)).not.toBe(slab);
    slab.written();
    expect(pool.acquire(700)).toBe(slab);
  });
});

test("after a failed write the slab's bytes are never used again", () => {
  const pool = new SlabPool(1_000);
  const slab = pool.acquire(10);
  batch(pool, slab, 950);
  slab.written(new Error("the stream was destroyed"));
  expect(pool.acquire(10)).not.toBe(slab);
});

test("a slab that is lent is nobody else's", () => {
  const pool = new SlabPool(1_000);
  expect(pool.acquire(10)).not.toBe(pool.acquire(10));
});

test("a greater need gets a greater slab, which is not kept", () => {
  const pool = new SlabPool(1_000);
  const slab = pool.acquire(5_000);
  expect(slab.bytes.length).toBe(5_000);
  pool.release(slab);
  expect(pool.acquire(5_000)).not.toBe(slab);
});
