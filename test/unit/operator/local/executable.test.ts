import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findExecutable } from "../../../../operator/local/executable.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function place(): { folder: string; bin: string } {
  const folder = temporaryFolder();
  const bin = join(folder, "bin");
  mkdirSync(join(bin, "folder"), { recursive: true });
  for (const [name, mode] of [
    ["tool", 0o755],
    ["text", 0o644],
  ] as const) {
    writeFileSync(join(bin, name), "");
    chmodSync(join(bin, name), mode);
  }
  return { folder, bin };
}

test("a name is looked up in PATH, a path from the folder", () => {
  const { folder, bin } = place();
  const at = { folder, searchPath: `/nowhere:${bin}` };
  expect(findExecutable("tool", at)).toBe(join(bin, "tool"));
  expect(findExecutable("./bin/tool", at)).toBe(join(bin, "tool"));
  expect(findExecutable(join(bin, "tool"), at)).toBe(join(bin, "tool"));
});

test.each(["text", "folder", "absent", "./tool", "./bin/text"])("%s is no command", (command) => {
  const { folder, bin } = place();
  expect(findExecutable(command, { folder, searchPath: bin })).toBeUndefined();
});
