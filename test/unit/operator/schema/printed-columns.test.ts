import { describe, expect, test } from "vitest";
import { printedColumns } from "../../../../operator/schema/printed-columns.ts";

describe.each(["Demand", "Capability"] as const)("the columns of a %s", (kind) => {
  const columns = printedColumns[kind];

  test("begin with Ready and its reason and end with the age", () => {
    expect(columns.map(({ name }) => name).slice(0, 2)).toEqual(["Ready", "Reason"]);
    expect(columns.at(-1)?.name).toBe("Age");
  });

  test("are few without -o wide, and each has a name of its own in one word", () => {
    expect(columns.filter(({ priority }) => priority === undefined).length).toBeLessThanOrEqual(8);
    const names = columns.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, description } of columns) {
      expect(name).toMatch(/^\S+$/);
      expect(description).toMatch(/\.$/);
    }
  });
});
