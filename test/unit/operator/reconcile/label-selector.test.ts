import { describe, expect, test } from "vitest";
import { parseLabelSelector } from "../../../../operator/reconcile/index.ts";
import { selects } from "../../../../operator/schema/index.ts";

describe("a selector in its text form", () => {
  test.each([
    ["app=web", { app: "web" }, { app: "other" }],
    ["app==web", { app: "web" }, {}],
    ["app=web,tier=front", { app: "web", tier: "front" }, { app: "web" }],
    ["app!=web", { app: "other" }, { app: "web" }],
    ["tier in (a,b)", { tier: "b" }, { tier: "c" }],
    ["app=web,tier notin (a, b)", { app: "web", tier: "c" }, { app: "web", tier: "a" }],
    ["example.com/team", { "example.com/team": "x" }, {}],
    ["!canary", {}, { canary: "true" }],
    ["empty=", { empty: "" }, { empty: "x" }],
  ])("%s", (text, matching, other) => {
    const selector = parseLabelSelector(text);
    expect(selector && selects(selector, matching)).toBe(true);
    expect(selector && selects(selector, other)).toBe(false);
  });

  test.each(["", "a b", "app=web,", "in (a)x", "tier in a"])("%j is none", (text) => {
    expect(parseLabelSelector(text)).toBeUndefined();
  });
});
