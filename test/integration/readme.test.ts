/** The README's program runs as it stands there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { blocksOf } from "../tidy/page-rules.ts";
import { top } from "../tidy/tree.ts";

const run = promisify(execFile);

test("the program of the README prints what the README says", { timeout: 30_000 }, async () => {
  const page = readFileSync(join(top, "README.md"), "utf8");
  const program = blocksOf(page).find(({ language }) => language === "ts")?.text ?? "";
  expect(program.split("\n").length, "a reader takes in about ten lines").toBeLessThanOrEqual(11);
  const said = /It prints `([^`]+)`/.exec(page)?.[1];
  // From the top folder, so that `spillway` is this package by its own name.
  const args = ["--input-type=module-typescript", "--eval", program];
  const { stdout } = await run(process.execPath, args, { cwd: top, timeout: 20_000 });
  expect(stdout.trim()).toBe(said);
});
