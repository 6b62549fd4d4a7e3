import fc from "fast-check";
import { expect, test } from "vitest";
import { Packed } from "../../../../operator/controller/packed.ts";

test("what comes out is what went in", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(Packed.of(plain).read()).toEqual(plain);
    }),
  );
});

test("what is the same as before is not kept twice", () => {
  const before = Packed.of({ ready: 1 });
  expect(Packed.of({ ready: 1 }, before)).toBe(before);
  expect(Packed.of({ ready: 2 }, before)).not.toBe(before);
});

test("who changes what came out changes nothing that is kept", () => {
  const packed = Packed.of({ names: ["a"] });
  packed.read().names.push("b");
  expect(packed.read()).toEqual({ names: ["a"] });
});
