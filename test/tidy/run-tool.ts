import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { top } from "./tree.ts";

/** How a program ended. */
export interface ToolRun {
  /** 0 is success. */
  readonly exitCode: number;
  /** Standard output, then standard error. */
  readonly output: string;
}

/**
 * Runs a JavaScript program of node_modules with the Node that runs the tests, which is also first
 * in its PATH (buf starts its plugin by the name `node`).
 * @param script path from the top, for example `node_modules/eslint/bin/eslint.js`.
 * @param cwd folder from the top to run in.
 */
export function runTool(script: string, args: readonly string[], cwd = "."): Promise<ToolRun> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const options = { cwd: join(top, cwd), env, encoding: "utf8", maxBuffer: 64 << 20 } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, [join(top, script), ...args], options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ exitCode, output: `${stdout}${stderr}` });
    });
  });
}
