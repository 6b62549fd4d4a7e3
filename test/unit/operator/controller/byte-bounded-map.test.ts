import { expect, test } from "vitest";
import { ByteBoundedMap } from "../../../../operator/controller/byte-bounded-map.ts";

test("the oldest entries go when all together are too large", () => {
  const map = new ByteBoundedMap<number>(10);
  map.set("a", 1, 4);
  map.set("b", 2, 4);
  map.set("a", 3, 4);
  map.set("c", 4, 4);
  expect([map.get("a"), map.get("b"), map.get("c"), map.bytes]).toEqual([3, undefined, 4, 8]);
});

test("what is larger than the whole map is not kept, and drives nothing out", () => {
  const map = new ByteBoundedMap<number>(10);
  map.set("a", 1, 4);
  map.set("b", 2, 11);
  expect([map.get("a"), map.get("b"), map.bytes]).toEqual([1, undefined, 4]);
});
