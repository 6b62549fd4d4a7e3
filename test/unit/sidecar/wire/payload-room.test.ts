import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PayloadRoom } from "../../../../sidecar/wire/payload-room.ts";

describe("PayloadRoom", () => {
  test("copies stay as they were, whatever happens to the source and to each other", () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.constantFrom(1_023, 1_024, 1_025, 9_000)));
    fc.assert(
      fc.property(sizes, (each) => {
        const room = new PayloadRoom();
        const copies = each.map((size, index) => {
          const source = new Uint8Array(size + 2).fill(index);
          const copy = room.copy(source, 1, size + 1);
          source.fill(255);
          return copy;
        });
        for (const [index, copy] of copies.entries()) {
          expect(copy).toEqual(new Uint8Array(each[index] ?? 0).fill(index));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("small payloads share memory, large ones have their own", () => {
    const room = new PayloadRoom();
    const source = new Uint8Array(2_000);
    const [one, two, large] = [100, 100, 2_000].map((size) => room.copy(source, 0, size));
    expect(one?.buffer).toBe(two?.buffer);
    expect(one?.buffer.byteLength).toBe(8_192);
    expect(large?.buffer.byteLength).toBe(2_000);
  });

  test("copies also from a Buffer, whose slice would be a view", () => {
    const source = Buffer.from([1, 2, 3]);
    const copy = new PayloadRoom().copy(source, 0, 3);
    source.fill(0);
    expect([...copy]).toEqual([1, 2, 3]);
    expect(Buffer.isBuffer(copy)).toBe(false);
  });
});
