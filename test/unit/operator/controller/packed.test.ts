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

test("values that look alike come out whole, however many phrases they have", () => {
  const packer = new Packer<unknown>();
  const values = Array.from({ length: 3 }, () =>
    Array.from({ length: 5_000 }, (_, at) => ({ [`name-${at % 4_900}`]: `größe ${at}`, at })),
  );
  const packed = values.map((value) => packer.pack(value));
  expect(packed.map((it) => it.read())).toEqual(values);
});

test("a value of characters that JSON spells out comes out whole", () => {
  const packer = new Packer<unknown>();
  const odd = { text: '\u0000\u0001\u0002,",:"\uffff\ud83d', 'a:"b': ",,", list: [",", ""] };
  expect([1, 2, 3].map(() => packer.pack(odd).read())).toEqual([odd, odd, odd]);
});

test("what looks like the others takes a quarter of its text", () => {
  const packer = new Packer<object>();
  for (const ready of [1, 2, 3]) packer.pack(status(ready));
  const next = status(23);
  expect(packer.pack(next).length).toBeLessThan(JSON.stringify(next).length / 4);
});

test("times are not learned: there would be room for nothing else", () => {
  const packer = new Packer<object>();
  const at = (second: number) => {
    const time = new Date(second * 1_000).toISOString();
    return packer.pack({ lastTransitionTime: time, again: time });
  };
  for (let second = 0; second < 5_000; second += 1) at(second);
  for (const ready of [1, 2, 3]) packer.pack(status(ready));
  expect(packer.pack(status(4)).length).toBeLessThan(JSON.stringify(status(4)).length / 4);
});

/** A packer whose book is full of what never comes again. */
function outdated() {
  const packer = new Packer<object>();
  const old = (from: number) =>
    packer.pack(Array.from({ length: 100 }, (_, at) => `of old, ${from + at}`));
  const packed = Array.from({ length: 60 }, (_, at) => {
    old(at * 100);
    return old(at * 100);
  });
  return { packer, packed };
}

test("a full book of phrases that come no more is begun anew; what it packed comes out whole", () => {
  const { packer, packed } = outdated();
  const next = status(23);
  const fullLength = JSON.stringify(next).length;
  expect(packer.pack(next).length).toBeGreaterThan(fullLength / 2);
  for (let ready = 0; ready < 4_000; ready += 1) packer.pack(status(ready));
  expect(packer.pack(next).length).toBeLessThan(fullLength / 4);
  expect(packed.map((it) => it.read())).toEqual(
    packed.map((_, from) => Array.from({ length: 100 }, (__, at) => `of old, ${from * 100 + at}`)),
  );
});

test("a value of the book before that comes again is the same, and goes to the new one", () => {
  const { packer } = outdated();
  const before = packer.pack(status(1));
  const { length } = before;
  for (let ready = 0; ready < 4_000; ready += 1) packer.pack(status(ready));
  expect(packer.pack(status(1), before)).toBe(before);
  expect(before.length).toBeLessThan(length / 2);
  expect(before.read()).toEqual(status(1));
  expect(packer.pack(status(2), before)).not.toBe(before);
});

test("a full book that is of use stays", () => {
  const { packer, packed } = outdated();
  const [first = {}, other = {}] = packed.map((it) => it.read());
  const { length } = packer.pack(other);
  for (let turn = 0; turn < 400; turn += 1) packer.pack(first);
  expect(packer.pack(other).length).toBe(length);
});

test("what is the same as before is not kept twice", () => {
  const packer = new Packer<object>();
  const before = packer.pack(status(1));
  expect(packer.pack(status(1), before)).toBe(before);
  expect(packer.pack(status(2), before)).not.toBe(before);
});

test("who changes what came out changes nothing that is kept", () => {
  const packed = new Packer<{ names: string[] }>().pack({ names: ["a"] });
  packed.read().names.push("b");
  expect(packed.read()).toEqual({ names: ["a"] });
});
