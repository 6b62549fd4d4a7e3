import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeVersionProblem } from "../../../../operator/cli/node-version.ts";
import { repository } from "../../../support/running-folder.ts";

const words =
  "spillway needs Node 24 or later, this is 20.20.2; run it by npx spillway in the package, or install Node 24";

test("Node 24 and later can run it, an older one is told what to do", () => {
  for (const version of ["24.0.0", "24.21.0", "100.1.0"]) {
    expect(nodeVersionProblem(version)).toBeUndefined();
  }
  expect(nodeVersionProblem("20.20.2")).toBe(words);
});

test("the command ends with exit 2 on an older Node, before it loads what that one lacks", () => {
  // Breaks the first thing that an older Node has not, so that loading it would be a crash.
  const older = `
    import { registerHooks } from "node:module";
    Object.defineProperty(process, "versions", { value: { node: "20.20.2" } });
    registerHooks({
      resolve: (name, context, next) => {
        if (name === "commander" || name === "node:module") throw new Error("loaded " + name);
        return next(name, context);
      },
    });`;
  const main = join(repository, "dist/operator/cli/main.js");
  const run = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(older)}`, main, "--help"],
    { encoding: "utf8" },
  );
  expect([run.status, run.stdout, run.stderr]).toEqual([2, "", `${words}\n`]);
});

test("the package asks for the Node that it needs, and its folder brings one", () => {
  const { engines, devDependencies } = JSON.parse(
    readFileSync(join(repository, "package.json"), "utf8"),
  ) as { engines: { node: string }; devDependencies: { node: string } };
  expect(engines.node).toBe(">=24");
  expect(nodeVersionProblem(devDependencies.node)).toBeUndefined();
});
