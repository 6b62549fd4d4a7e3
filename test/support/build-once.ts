import { execFileSync } from "node:child_process";

/** Compiles dist/ before the first test: process tests run what ships. Incremental, 1–8 s. */
export function setup(): void {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
}
