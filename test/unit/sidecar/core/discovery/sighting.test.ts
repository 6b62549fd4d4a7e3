import { describe, expect, test } from "vitest";
import { sameDemands, sameEndpoints } from "../../../../../sidecar/core/discovery/sighting.ts";
import { demand } from "../../../../support/announcements.ts";

describe("the same demands", () => {
  test.each([
    ["unknown and unknown", undefined, undefined, true],
    ["unknown and none", undefined, [], false],
    ["two orders", [demand("x"), demand("y")], [demand("y"), demand("x")], true],
    ["one more", [demand("x")], [demand("x"), demand("y")], false],
    ["another name", [demand("x")], [demand("y")], false],
    ["another route", [demand("x")], [demand("x", { routeHash: 8n })], false],
    ["another desired", [demand("x")], [demand("x", { desiredProviders: 9 })], false],
    ["another max", [demand("x")], [demand("x", { maxProviders: 9 })], false],
    ["another count", [demand("x")], [demand("x", { connectedProviders: 9 })], false],
  ])("%s: %s", (_, a, b, expected) => {
    expect(sameDemands(a, b)).toBe(expected);
  });
});

describe("the same endpoints", () => {
  const at = (host: string, port: number) => ({ host, port });
  test.each([
    ["two orders", [at("h", 1), at("g", 2)], [at("g", 2), at("h", 1)], true],
    ["none", [], [], true],
    ["another port", [at("h", 1)], [at("h", 2)], false],
    ["one more", [at("h", 1)], [at("h", 1), at("g", 1)], false],
    ["one less", [at("h", 1), at("g", 1)], [at("h", 1)], false],
  ])("%s: %s", (_, a, b, expected) => {
    expect(sameEndpoints(a, b)).toBe(expected);
  });
});
