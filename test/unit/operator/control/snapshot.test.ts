import fc from "fast-check";
import { expect, test } from "vitest";
import { difference, type Part, snapshotOf } from "../../../../operator/control/snapshot.ts";

const part = fc
  .record({
    key: fc.constantFrom("a", "b", "c", "d", "ab"),
    digest: fc.constantFrom("0", "1", "2"),
  })
  .map(({ key, digest }): Part<string> => ({ key, digest, value: `${key}=${digest}` }));
const parts = fc.uniqueArray(part, { selector: (it) => it.key });

test("the digest is that of the set: no order of parts and no way there counts", () => {
  fc.assert(
    fc.property(parts, (all) => {
      expect(snapshotOf(all.toReversed()).digest).toBe(snapshotOf(all).digest);
    }),
  );
});

test("two sets share a digest only when they are the same", () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const text = (all: readonly Part<string>[]) =>
        all
          .map((it) => it.value)
          .sort()
          .join();
      const same = text(one) === text(other);
      expect(snapshotOf(one).digest === snapshotOf(other).digest).toBe(same);
    }),
  );
});

test("a difference, applied to what it begins at, gives what it leads to", () => {
  fc.assert(
    fc.property(fc.option(parts, { nil: undefined }), parts, (before, after) => {
      const from = before === undefined ? undefined : snapshotOf(before);
      const { changed, removed } = difference(from, snapshotOf(after));
      const held = new Map((before ?? []).map((it) => [it.key, it.value]));
      for (const key of removed) held.delete(key);
      for (const value of changed) held.set(value.split("=")[0] ?? "", value);
      expect(Object.fromEntries(held)).toEqual(
        Object.fromEntries(after.map((it) => [it.key, it.value])),
      );
    }),
  );
});

test("a difference names nothing that both hold", () => {
  const both = snapshotOf([{ key: "a", digest: "1", value: "a" }]);
  expect(difference(both, both)).toEqual({ changed: [], removed: [] });
});
