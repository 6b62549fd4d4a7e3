import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dnsLabel, nameFolder } from "../../../../operator/local/folder-name.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

test.each([
  ["thumbnails", "thumbnails"],
  ["My Shop_2", "my-shop-2"],
  ["--x--", "x"],
  ["äöü", "folder"],
  [`${"a".repeat(62)}-b`, "a".repeat(62)],
])("the folder %j is the namespace %s", (name, expected) => {
  expect(dnsLabel(name)).toBe(expected);
});

test("a link to a folder is that folder", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  const [real, link] = [nameFolder(join(folder, "real")), nameFolder(join(folder, "link"))];
  expect({ ...link, shown: "" }).toEqual({ ...real, shown: "" });
});

test("two folders of one name are two clusters", () => {
  const [left, right] = [temporaryFolder(), temporaryFolder()].map((it) => {
    mkdirSync(join(it, "shop"));
    return nameFolder(join(it, "shop"));
  });
  expect(left?.namespace).toBe(right?.namespace);
  expect(left?.clusterId).not.toBe(right?.clusterId);
});

test("a file is no folder", () => {
  const file = join(temporaryFolder(), "apps.yaml");
  writeFileSync(file, "");
  expect(() => nameFolder(file)).toThrow("is no folder. Give the folder that holds apps.yaml.");
});
