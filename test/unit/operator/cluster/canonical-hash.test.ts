import { expect, test } from "vitest";
import { hashOf } from "../../../../operator/cluster/canonical-hash.ts";

test("the order of fields and fields without a value change nothing, all else does", () => {
  const hash = hashOf({ a: 1, b: [{ c: "x", d: null }] });
  expect(hash).toMatch(/^[0-9a-f]{12}$/);
  expect(hashOf({ b: [{ d: null, c: "x", e: undefined }], a: 1 })).toBe(hash);
  for (const other of [{ a: 1 }, { a: 1, b: [] }, { a: "1", b: [{ c: "x", d: null }] }, [], null]) {
    expect(hashOf(other)).not.toBe(hash);
  }
});

test("the order of a list is a part of it", () => {
  expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
});
