import { expect, test } from "vitest";
import { z } from "zod";
import { notAbove } from "../../../../operator/schema/order.ts";

const numbers = notAbove({ low: "least", high: "most", as: "number" });
const durations = notAbove({ low: "least", high: "most", as: "duration", isOptional: true });

test("numbers are compared as numbers", () => {
  const schema = z.object({ least: z.number(), most: z.number() }).superRefine(numbers.refine);
  expect(schema.safeParse({ least: 9, most: 10 }).success).toBe(true);
  expect(schema.safeParse({ least: 10, most: 10 }).success).toBe(true);
  expect(schema.safeParse({ least: 10, most: 9 }).error?.issues).toMatchObject([
    {
      path: ["least"],
      message: "is above most",
      params: { bound: "at most 9", value: 10, remedy: "Lower least or raise most." },
    },
  ]);
});

test("durations are compared by their length; one that is absent is not above anything", () => {
  const schema = z
    .object({ least: z.string().optional(), most: z.string() })
    .superRefine(durations.refine);
  expect(schema.safeParse({ least: "90s", most: "2m" }).success).toBe(true);
  expect(schema.safeParse({ least: "121s", most: "2m" }).success).toBe(false);
  expect(schema.safeParse({ most: "2m" }).success).toBe(true);
});

test("the API server gets the same rule and is told which field is wrong", () => {
  expect(numbers.rule).toEqual({
    rule: "self.least <= self.most",
    message: "is above most. Lower least or raise most.",
    fieldPath: ".least",
  });
  expect(durations.rule.rule).toBe(
    "!has(self.least) || duration(self.least) <= duration(self.most)",
  );
});
