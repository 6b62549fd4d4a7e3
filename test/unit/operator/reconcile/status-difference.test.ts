import { expect, test } from "vitest";
import {
  differenceOf,
  sameValue,
  type WritableStatus,
} from "../../../../operator/reconcile/status-difference.ts";

interface Told extends WritableStatus {
  readonly [field: string]: unknown;
}

const ready = { type: "Ready", status: "True", reason: "Serving", observedGeneration: 1 };
const base: Told = { observedGeneration: 1, items: { ready: 5, dead: 0 }, conditions: [ready] };

test.each<[string, Told | undefined, string]>([
  ["nothing", undefined, "urgent"],
  ["the same", structuredClone(base), "none"],
  ["the same without what is 0", { ...base, items: { ready: 5 } }, "counts"],
  ["another count", { ...base, items: { ready: 6, dead: 0 } }, "counts"],
  ["a count that is 0 now", { ...base, items: { ready: 5, dead: 1 } }, "urgent"],
  ["another generation", { ...base, observedGeneration: 2 }, "urgent"],
  ["a time that is no longer", { ...base, since: "2026-01-01T00:00:00Z" }, "urgent"],
  ["other words", { ...base, conditions: [{ ...ready, message: "other" } as never] }, "counts"],
  ["another reason", { ...base, conditions: [{ ...ready, reason: "NoPods" }] }, "urgent"],
  ["one condition more", { ...base, conditions: [ready, { ...ready, type: "B" }] }, "urgent"],
])("where %s stands, the difference is as it should be", (_, written, expected) => {
  expect(differenceOf(written, base)).toBe(expected);
});

test("an absent field is as good as an undefined one, an order of items is not", () => {
  expect(sameValue({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(sameValue([1, 2], [2, 1])).toBe(false);
  expect(sameValue({ a: {} }, { a: null })).toBe(false);
});
