import { expect, test } from "vitest";
import {
  conditionReasons,
  conditionTypes,
  isConditionReason,
  isConditionType,
} from "../../../../operator/schema/conditions.ts";

test("every type and reason is one CamelCase word with a sentence", () => {
  const words = Object.entries({ ...conditionTypes, ...conditionReasons });
  for (const [word, sentence] of words) {
    expect(word).toMatch(/^[A-Z][A-Za-z]{1,63}$/);
    expect(sentence, word).toMatch(/\.$/);
  }
});

test("only words of the lists are types and reasons", () => {
  expect([isConditionType("Ready"), isConditionType("NoPods")]).toEqual([true, false]);
  expect([isConditionReason("NoPods"), isConditionReason("Ready")]).toEqual([true, false]);
  expect([isConditionType("toString"), isConditionReason("toString")]).toEqual([false, false]);
});
