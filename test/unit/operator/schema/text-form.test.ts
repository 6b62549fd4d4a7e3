import { expect, test } from "vitest";
import { formField, malformed, matchesExpression } from "../../../../operator/schema/text-form.ts";

const form = { pattern: /^\/[a-z]{1,3}$/, form: "a short path", maxLength: 4 };

test("a field of a form takes what matches and nothing else", () => {
  const field = formField(form, { description: "A path." });
  expect(field.safeParse("/abc").success).toBe(true);
  expect(field.safeParse("abc").success).toBe(false);
  expect(field.safeParse("/abcd").success).toBe(false);
});

test("the rule of the API server is the pattern in RE2's syntax, in the words of the form", () => {
  const rules = formField(form, {
    description: "A path.",
    rules: [{ rule: "self != '/a'", message: "is taken." }],
  }).meta()?.["x-kubernetes-validations"];
  expect(rules).toEqual([
    { rule: "self.matches(r'^/[a-z]{1,3}$')", message: "is malformed. Write a short path." },
    { rule: "self != '/a'", message: "is taken." },
  ]);
  expect(matchesExpression(form, "key")).toBe("key.matches(r'^/[a-z]{1,3}$')");
  expect(malformed(form).bound).toBe("a short path");
});
