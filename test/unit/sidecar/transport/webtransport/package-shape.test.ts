import { describe, expect, it } from "vitest";
import { assertShape } from "../../../../../sidecar/transport/webtransport/package-shape.ts";

interface Wanted {
  readonly run: () => void;
  readonly id: bigint;
}
const members = { run: "function", id: "bigint" } as const;

describe("assertShape", () => {
  it("accepts an object that has every member, own or inherited", () => {
    class Part {
      id = 1n;
      run(): void {
        // Nothing to do.
      }
    }
    expect(() => {
      assertShape<Wanted>(new Part(), "a part", members);
    }).not.toThrow();
  });

  it.each([
    ["undefined", undefined, "a part has no run"],
    ["null", null, "a part has no run"],
    ["a missing method", { id: 1n }, "a part has no run"],
    ["a member of another kind", { run: () => undefined, id: 1 }, "a part has no id"],
    ["a member that is null", { run: null, id: 1n }, "a part has no run"],
  ])("names version, part and member for %s", (_case, value, text) => {
    let error: unknown;
    try {
      assertShape<Wanted>(value, "a part", members);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "PACKAGE_CHANGED" });
    expect(String(error)).toContain("1.6.8");
    expect(String(error)).toContain(text);
  });
});
