import { expect, test } from "vitest";
import { type Selector, selects } from "../../../../operator/schema/index.ts";

const labels = { app: "web", tier: "front" };

const cases: readonly [string, Selector, boolean][] = [
  ["a label that is there", { matchLabels: { app: "web" } }, true],
  ["a label with another value", { matchLabels: { app: "worker" } }, false],
  ["one label of two missing", { matchLabels: { app: "web", zone: "a" } }, false],
  ["In", { matchExpressions: [{ key: "app", operator: "In", values: ["api", "web"] }] }, true],
  ["In, absent key", { matchExpressions: [{ key: "x", operator: "In", values: ["y"] }] }, false],
  ["NotIn", { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] }, false],
  [
    "NotIn, absent key",
    { matchExpressions: [{ key: "x", operator: "NotIn", values: ["web"] }] },
    true,
  ],
  ["Exists", { matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
  ["DoesNotExist", { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
  [
    "labels and conditions, both must hold",
    { matchLabels: { app: "web" }, matchExpressions: [{ key: "zone", operator: "Exists" }] },
    false,
  ],
  ["a key that objects inherit", { matchLabels: { constructor: "x" } }, false],
];

test.each(cases)("selects: %s", (_name, selector, expected) => {
  expect(selects(selector, labels)).toBe(expected);
});
