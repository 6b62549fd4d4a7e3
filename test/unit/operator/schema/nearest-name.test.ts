import { expect, test } from "vitest";
import { nearestName } from "../../../../operator/schema/index.ts";

const known = ["desiredProviders", "maxProviders", "lease", "retry", "port"];

test.each([
  ["maxProvider", "maxProviders"],
  ["MAXPROVIDERS", "maxProviders"],
  ["prot", "port"],
  ["laese", "lease"],
  ["xyz", undefined],
  ["", undefined],
  ["constructor", undefined],
])("%j means %j", (name, expected) => {
  expect(nearestName(name, known)).toBe(expected);
});
