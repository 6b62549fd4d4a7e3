import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nameFolder } from "../../../../operator/local/folder-name.ts";
import {
  makeStateFolder,
  maxSocketPathBytes,
  replaceFile,
  replicaPaths,
  stateFolderCandidates,
} from "../../../../operator/local/state-folder.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

test("the user's runtime folder comes first, then a shared one with the user in its name", () => {
  const folder = nameFolder(temporaryFolder());
  const uid = process.getuid?.() ?? 0;
  const shared = `/tmp/spillway-${uid}-${folder.hash8}`;
  expect(stateFolderCandidates(folder, { temporaryFolder: "/tmp" })).toEqual([shared]);
  const roots = { runtimeFolder: "/run/user/7", temporaryFolder: "/tmp" };
  expect(stateFolderCandidates(folder, roots)).toEqual([
    `/run/user/7/spillway-${folder.hash8}`,
    shared,
  ]);
});

test("a new state folder is its owner's alone, and is taken again", () => {
  const path = join(temporaryFolder(), "state");
  makeStateFolder(path);
  makeStateFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test("a link, a file and an open folder are refused", () => {
  const base = temporaryFolder();
  mkdirSync(join(base, "open"), { mode: 0o755 });
  symlinkSync(base, join(base, "link"));
  writeFileSync(join(base, "file"), "");
  for (const [name, why] of [
    ["open", "others may enter it"],
    ["link", "it is no folder"],
    ["file", "it is no folder"],
  ] as const) {
    expect(() => makeStateFolder(join(base, name))).toThrow(why);
  }
  expect(() => makeStateFolder(join(base, "absent/state"))).toThrow("ENOENT");
});

test("a socket's path may have as many bytes as the system takes, and not one more", () => {
  const room = maxSocketPathBytes - "/web-0.sock".length;
  expect(replicaPaths("/".padEnd(room, "x"), "web-0").appSocket).toHaveLength(maxSocketPathBytes);
  expect(() => replicaPaths("/".padEnd(room + 1, "x"), "web-0")).toThrow(
    `too long (${maxSocketPathBytes + 1} bytes; allowed: ${maxSocketPathBytes})`,
  );
});

test("a file that is replaced keeps its readers whole, and strangers out", () => {
  const file = join(temporaryFolder(), "config.yaml");
  replaceFile(file, "one");
  replaceFile(file, "two");
  expect(readFileSync(file, "utf8")).toBe("two");
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
