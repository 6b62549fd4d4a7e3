import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeAbandoned } from "../../../../operator/local/abandoned.ts";
import { bootId } from "../../../../operator/local/leftovers.ts";
import { writeRunRecord } from "../../../../operator/local/run-record.ts";
import { processStartTime } from "../../../../sidecar/runtime/process-start-time.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const gone = "/nowhere/at/all";
const dead = { pid: process.pid, startTime: "another" };
const living = { pid: process.pid, startTime: processStartTime(process.pid) ?? "" };

interface Left {
  readonly folder?: string;
  readonly up?: typeof dead;
  readonly prefix?: string;
  readonly named?: string;
}

/** A state folder as a killed `up` left it. */
function leave(parent: string, { folder = gone, up = dead, prefix, named }: Left = {}): string {
  const hash8 = createHash("sha256")
    .update(named ?? folder)
    .digest("hex")
    .slice(0, 8);
  const path = join(parent, `${prefix ?? "spillway"}-${hash8}`);
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, "cluster-key"), "secret");
  const rest = { runId: "r", bootId: bootId(), programs: [], warnings: [] };
  writeRunRecord(path, { ...rest, folder, up });
  return path;
}

test("a state folder whose folder and `up` are gone is removed", async () => {
  const parent = temporaryFolder();
  const paths = [leave(parent), leave(parent, { prefix: `spillway-${process.getuid?.() ?? 0}` })];
  expect([...(await removeAbandoned(parent))].sort()).toEqual(paths.sort());
  expect(paths.filter((path) => existsSync(path))).toEqual([]);
});

test.each<[string, (parent: string) => string]>([
  ["whose folder is there", (parent) => leave(parent, { folder: parent })],
  ["whose `up` lives", (parent) => leave(parent, { up: living })],
  ["of another name", (parent) => leave(parent, { prefix: "other" })],
  ["whose record is another folder's", (parent) => leave(parent, { named: "/x" })],
  [
    "that others may enter",
    (parent) => {
      const path = leave(parent);
      chmodSync(path, 0o755);
      return path;
    },
  ],
  [
    "that is a link",
    (parent) => {
      const target = leave(temporaryFolder());
      const link = join(parent, target.slice(target.lastIndexOf("/") + 1));
      symlinkSync(target, link);
      return target;
    },
  ],
  [
    "without a record",
    (parent) => {
      const path = join(parent, "spillway-01234567");
      mkdirSync(path, { mode: 0o700 });
      return path;
    },
  ],
])("a state folder %s is left alone", async (_name, leaveOne) => {
  const parent = temporaryFolder();
  const path = leaveOne(parent);
  expect(await removeAbandoned(parent)).toEqual([]);
  expect(existsSync(path)).toBe(true);
});

test("a parent that is not there holds none", async () => {
  expect(await removeAbandoned("/nowhere/at/all")).toEqual([]);
});
