import { expect, test } from "vitest";
import { SnapshotHistory } from "../../../../operator/control/snapshot-history.ts";
import { snapshotOf } from "../../../../operator/control/snapshot.ts";

const at = (...keys: string[]) => snapshotOf(keys.map((key) => ({ key, digest: "1", value: key })));

test("remembers the latest four", () => {
  const sets = [at(), at("a"), at("b"), at("c"), at("d")];
  const history = new SnapshotHistory(at());
  for (const set of sets.slice(1)) expect(history.push(set)).toBe(true);
  expect(sets.map(({ digest }) => history.find(digest) !== undefined)).toEqual([
    false,
    true,
    true,
    true,
    true,
  ]);
});

test("the same set again is no change", () => {
  const history = new SnapshotHistory(at("a"));
  expect(history.push(at("a"))).toBe(false);
});

test("a set that comes back stays remembered as the latest", () => {
  const history = new SnapshotHistory(at("a"));
  for (const set of [at("b"), at("a"), at("c"), at("d"), at("e")]) history.push(set);
  expect(history.find(at("a").digest)).toBeDefined();
  expect(history.find(at("b").digest)).toBeUndefined();
});

test("a difference that many ask for is made once, and anew after a change", () => {
  const history = new SnapshotHistory(at("a"));
  const from = history.latest;
  history.push(at("a", "b"));
  const first = history.toLatest(from);
  expect(history.toLatest(from)).toBe(first);
  history.push(at("c"));
  expect(history.toLatest(from)).toEqual({ changed: ["c"], removed: ["a"] });
  expect(history.toLatest(undefined)).toEqual({ changed: ["c"], removed: [] });
});

test("a difference from a set that is not remembered is right and is not kept", () => {
  const history = new SnapshotHistory(at("a"));
  const foreign = at("x");
  const made = history.toLatest(foreign);
  expect(made).toEqual({ changed: ["a"], removed: ["x"] });
  expect(history.toLatest(foreign)).not.toBe(made);
});
