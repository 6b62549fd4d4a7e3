import { expect, test } from "vitest";
import { checkName, defaultName } from "../../../../sidecar/sdk/default-name.ts";

test.each([
  ["acme.v1.MyMessage", "my-message"],
  ["MyMessage", "my-message"],
  ["acme.HTTPRequest", "http-request"],
  ["acme.ThumbnailV2Request", "thumbnail-v2-request"],
  ["acme.snake_case_", "snake-case"],
  [`a.${"X".repeat(80)}`, "x".repeat(63)],
])("%s is named %s", (typeName, name) => {
  expect(defaultName(typeName)).toBe(name);
  expect(checkName(name)).toBe(name);
});

test.each(["", "-a", "a-", "A", "a.b", "ä", "x".repeat(64)])("refuses the name %j", (name) => {
  expect(() => checkName(name)).toThrow(/is not allowed/);
});
