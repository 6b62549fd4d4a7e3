import { describe, expect, test } from "vitest";
import { RememberedVerbs } from "../../../../../sidecar/core/work/remembered-verbs.ts";

describe("RememberedVerbs", () => {
  test("holds the latest 1,024 verbs at least and 2,048 at most", () => {
    const verbs = new RememberedVerbs();
    for (let number = 1; number <= 5_000; number += 1) {
      verbs.add(String(number), { name: "complete", state: "done" });
      const oldest = Math.max(1, number - 1_023);
      expect(verbs.get(String(oldest))).toEqual({ name: "complete", state: "done" });
      expect(verbs.has(String(number))).toBe(true);
      expect(verbs.has(String(number - 2_048))).toBe(false);
    }
    expect(verbs.get("1")).toBeUndefined();
  });
});
