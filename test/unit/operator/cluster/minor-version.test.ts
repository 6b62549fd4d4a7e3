import { expect, test } from "vitest";
import { gitVersionOf, minorOf } from "../../../../operator/cluster/minor-version.ts";

test.each([
  [{ gitVersion: "v1.29.14" }, 29],
  [{ gitVersion: "v1.36.1-gke.5" }, 36],
  [{ gitVersion: "v2.0.0" }, Number.POSITIVE_INFINITY],
  [{ gitVersion: "master" }, undefined],
  [{}, undefined],
  ["v1.36.1", undefined],
  [null, undefined],
])("of %j it is %s", (answer, minor) => {
  expect(minorOf(answer)).toBe(minor);
});

test("what is told is told as it is", () => {
  expect(gitVersionOf({ gitVersion: "master" })).toBe("master");
  expect(gitVersionOf(undefined)).toBe("");
});
