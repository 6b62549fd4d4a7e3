import { spawnSync } from "node:child_process";

/**
 * Compiles dist/ before the first test: process tests run what ships. Incremental, 1–8 s.
 * A type error is printed but does not stop the run: JavaScript is emitted all the same, and
 * test/tidy fails on types.
 */
export function setup(): void {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"];
  const { error } = spawnSync(process.execPath, tsc, { stdio: "inherit" });
  if (error !== undefined) throw error;
}
