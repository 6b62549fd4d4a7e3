import { expect, test } from "vitest";
import { celRule, refusedWith, tooMany } from "../../../../operator/schema/rule.ts";

const words = { problem: "is round", bound: "square ones", remedy: "Make it fit." };

test("a rule for the API server carries the words of the refusal, at the field they speak of", () => {
  expect(celRule("self.a", words, "a.b")).toEqual({
    rule: "self.a",
    message: "is round (allowed: square ones). Make it fit.",
    fieldPath: ".a.b",
  });
});

test("a bound that the remedy repeats is told once", () => {
  const { message } = celRule("true", { ...words, remedy: "Write square ones." });
  expect(message).toBe("is round. Write square ones.");
});

test("a rule without a bound and a field has neither", () => {
  const rule = celRule("true", { problem: "is round", remedy: "Make it fit." });
  expect(rule).toEqual({ rule: "true", message: "is round. Make it fit." });
});

test("zod refuses with the same words", () => {
  expect(refusedWith(words)).toEqual({
    error: "is round",
    params: { bound: "square ones", remedy: "Make it fit." },
  });
  expect(refusedWith({ problem: "is round", remedy: "Make it fit." }).params).toEqual({
    remedy: "Make it fit.",
  });
});

test("a map with too many entries is told how many it may have", () => {
  expect(celRule("true", tooMany(3, "labels")).message).toBe(
    "has too many entries. Keep 3 labels or fewer.",
  );
});
