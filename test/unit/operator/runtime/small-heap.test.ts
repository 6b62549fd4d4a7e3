import { expect, test } from "vitest";
import { RestWatch } from "../../../../operator/runtime/small-heap.ts";

/** What is answered to a process that is busy like this, ms of every two seconds. */
const looks = (...busyMs: readonly number[]): boolean[] => {
  const watch = new RestWatch();
  return busyMs.map((it) => watch.look(it));
};

test("rest after work is told once", () => {
  expect(looks(1_900, 400, 50, 40, 1)).toEqual([false, false, true, false, false]);
});

test("a process that is busy without an end is never at rest", () => {
  expect(looks(...Array.from({ length: 50 }, () => 150))).not.toContain(true);
});

test("little work is not worth a collection, much little work is", () => {
  expect(looks(20, 20, 20, 20)).not.toContain(true);
  const told = looks(...Array.from({ length: 60 }, () => 20));
  expect(told.filter((it) => it)).toHaveLength(2);
});
