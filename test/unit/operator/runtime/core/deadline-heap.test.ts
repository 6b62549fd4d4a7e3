import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeadlineHeap } from "../../../../../operator/runtime/core/deadline-heap.ts";

describe("a heap of deadlines", () => {
  it("gives the earliest first, as sorting would", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(10), (moments, taken) => {
        const heap = new DeadlineHeap();
        for (const [at, atMs] of moments.entries()) heap.push({ atMs, key: String(at) });
        const sorted = [...moments].sort((a, b) => a - b);
        for (const atMs of sorted.slice(0, taken)) expect(heap.pop()?.atMs).toBe(atMs);
        const rest = sorted.slice(taken);
        expect(heap.peek()?.atMs).toBe(rest[0]);
        heap.retain(({ atMs }) => atMs % 2 === 0);
        const even = rest.filter((atMs) => atMs % 2 === 0);
        expect(heap.size).toBe(even.length);
        for (const atMs of even) expect(heap.pop()?.atMs).toBe(atMs);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
