import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isNotNewer } from "../../../../../operator/runtime/core/resource-version.ts";

describe("resource versions", () => {
  it("compare as numbers, of any size", () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 80n });
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(isNotNewer(String(a), String(b))).toBe(a <= b);
      }),
    );
  });

  it.each([
    ["x7", "x8"],
    ["007", "8"],
    ["7", undefined],
    [undefined, "7"],
    ["", "7"],
    ["", ""],
  ])("%s and %s: nothing is certain about what is no number", (version, than) => {
    expect(isNotNewer(version, than)).toBe(false);
  });

  it("are not newer than themselves, whatever they are", () => {
    expect(isNotNewer("x7", "x7")).toBe(true);
  });
});
