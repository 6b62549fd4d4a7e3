import { expect, test } from "vitest";
import { restartDelayMs } from "../../../../operator/local/restart-policy.ts";

/** Delays of a process that lives this long at each start. */
function delaysOf(livesMs: readonly number[]): number[] {
  const delays: number[] = [];
  for (const livedMs of livesMs) delays.push(restartDelayMs(delays.at(-1), livedMs));
  return delays;
}

test("a process that ends at once waits 100 ms, doubling to 5 s and no longer", () => {
  expect(delaysOf(Array.from({ length: 8 }, () => 5))).toEqual([
    ...[100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
  ]);
});

test("a life of 10 s starts the series afresh, a shorter one does not", () => {
  expect(delaysOf([5, 5, 5, 9_999, 10_000, 5])).toEqual([100, 200, 400, 800, 100, 200]);
});
