import { describe, expect, it } from "vitest";
import {
  findCondition,
  setConditions,
  timeOf,
} from "../../../../../operator/runtime/core/conditions.ts";

const ready = {
  type: "Ready",
  status: "True",
  reason: "Up",
  message: "It is up.",
  observedGeneration: 1,
} as const;
const later = { ...ready, observedGeneration: 2, message: "Still up." };
const firstMs = Date.parse("2026-01-02T03:04:05.678Z");
const firstTime = "2026-01-02T03:04:05Z";

describe("conditions", () => {
  it("get the time when they are first stated", () => {
    const conditions = setConditions([], [ready], firstMs);
    expect(conditions).toEqual([{ ...ready, lastTransitionTime: firstTime }]);
  });

  it("keep their time while their status stays, and move it when it changes", () => {
    const first = setConditions([], [ready], firstMs);
    const second = setConditions(first, [later], firstMs + 60_000);
    expect(findCondition(second, "Ready")).toEqual({ ...later, lastTransitionTime: firstTime });
    const down = { ...later, status: "False" } as const;
    const third = setConditions(second, [down], firstMs + 60_000);
    expect(findCondition(third, "Ready")?.lastTransitionTime).toBe("2026-01-02T03:05:05Z");
  });

  it("are the very same list when nothing changed, so that nothing is written", () => {
    const first = setConditions([], [ready], firstMs);
    expect(setConditions(first, [{ ...ready }], firstMs + 1)).toBe(first);
    expect(setConditions(first, [], firstMs + 1)).toBe(first);
  });

  it("of others stay where they are", () => {
    const other = { ...ready, type: "Other", lastTransitionTime: firstTime };
    const conditions = setConditions([other], [ready], firstMs);
    expect(conditions.map(({ type }) => type)).toEqual(["Other", "Ready"]);
    expect(conditions[0]).toBe(other);
    expect(findCondition(undefined, "Ready")).toBeUndefined();
  });

  it("write times without fractions of a second", () => {
    expect(timeOf(firstMs)).toBe(firstTime);
  });
});
