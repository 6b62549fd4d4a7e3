import { expect, test } from "vitest";
import { equalBytes } from "../../../../../sidecar/core/capability/equal-bytes.ts";

test.each([
  [[1, 2], [1, 2], true],
  [[], [], true],
  [[1, 2], [1, 3], false],
  [[1, 2], [1], false],
  [[1], [1, 2], false],
])("%j and %j: %s", (a, b, expected) => {
  expect(equalBytes(new Uint8Array(a), new Uint8Array(b))).toBe(expected);
});
