import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Follower } from "../../../../operator/control/follower.ts";
import { SnapshotHistory } from "../../../../operator/control/snapshot-history.ts";
import { snapshotOf } from "../../../../operator/control/snapshot.ts";
import { VersionSchema } from "../../../../proto/gen/spillway/control/v1/control_pb.ts";

const at = (...keys: string[]) => snapshotOf(keys.map((key) => ({ key, digest: "1", value: key })));
const version = (number: bigint, digest: string) =>
  create(VersionSchema, { number, digest: Buffer.from(digest, "hex") });

test("nothing held: everything, numbered 1; then differences, numbered on", () => {
  const history = new SnapshotHistory(at("a"));
  const follower = new Follower<string>(undefined);
  expect(follower.next(history)).toEqual({
    base: undefined,
    version: version(1n, history.latest.digest),
    changed: ["a"],
    removed: [],
  });
  expect(follower.next(history)).toBeUndefined();
  const before = history.latest;
  history.push(at("b"));
  expect(follower.next(history)).toEqual({
    base: version(1n, before.digest),
    version: version(2n, history.latest.digest),
    changed: ["b"],
    removed: ["a"],
  });
});

test("the latest held: nothing, and differences from there even when it is long past", () => {
  const history = new SnapshotHistory(at("a"));
  const follower = new Follower<string>(version(7n, history.latest.digest));
  expect(follower.next(history)).toBeUndefined();
  for (const key of ["b", "c", "d", "e", "f"]) history.push(at("a", key));
  expect(follower.next(history)).toMatchObject({ changed: ["f"], removed: [] });
});

test("something unknown held: told so, then everything, numbered above it", () => {
  const history = new SnapshotHistory(at("a"));
  const follower = new Follower<string>(version(7n, "ab".repeat(32)));
  expect(follower.holdsUnknown(history)).toBe(true);
  expect(follower.pending(history).changed).toEqual(["a"]);
  const step = follower.next(history);
  expect(step?.base).toBeUndefined();
  expect(step?.version.number).toBe(8n);
  expect(follower.holdsUnknown(history)).toBe(false);
});

test("an empty set is told too: it is another than none", () => {
  const follower = new Follower<string>(undefined);
  expect(follower.next(new SnapshotHistory(at()))).toMatchObject({ changed: [], removed: [] });
});
