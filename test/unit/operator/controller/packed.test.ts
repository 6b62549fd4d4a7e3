import fc from "fast-check";
import { expect, test } from "vitest";
import { Packer } from "../../../../operator/controller/packed.ts";

const message =
  "The selector matches no pod. Compare it with the labels of the pods, or start pods.";

const status = (ready: number) => ({
  items: { ready, leased: 0, delayed: 0, done: 0 },
  conditions: ["Accepted", "Ready"].map((type) => ({ type, reason: "NoPods", message })),
});

test("what comes out is what went in, whatever was packed before", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const packer = new Packer<unknown>();
      const plain = values.map((value): unknown => JSON.parse(JSON.stringify(value)));
      const packed = plain.map((value) => packer.pack(value));
      expect(packed.map((it) => it.read())).toEqual(plain);
    }),
  );
});

test("a value that is larger than window and dictionary comes out whole", () => {
  const packer = new Packer<string>();
  const long = Array.from({ length: 100_000 }, (_, at) => (at * 7_919) % 9_973).join();
  expect([packer.pack(long).read(), packer.pack(long).read()]).toEqual([long, long]);
});

test("what looks like the first takes a tenth of its text", () => {
  const packer = new Packer<object>();
  packer.pack(status(1));
  const next = status(23);
  expect(packer.pack(next).sizeBytes).toBeLessThan(JSON.stringify(next).length / 10);
});

test("what is the same as before is not kept twice", () => {
  const packer = new Packer<object>();
  packer.pack(status(0));
  const before = packer.pack(status(1));
  expect(packer.pack(status(1), before)).toBe(before);
  expect(packer.pack(status(2), before)).not.toBe(before);
});

test("who changes what came out changes nothing that is kept", () => {
  const packed = new Packer<{ names: string[] }>().pack({ names: ["a"] });
  packed.read().names.push("b");
  expect(packed.read()).toEqual({ names: ["a"] });
});
