#!/usr/bin/env node
/**
 * Entry of the `spillway` command. The only reader of process.env in operator/cli. Everything that
 * an older Node could not even load is imported after its version is known.
 */
import { nodeVersionProblem } from "./node-version.ts";

const problem = nodeVersionProblem(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
const { runCommandLine } = await import("./command-line.ts");
const code = await runCommandLine({
  env: process.env,
  argv: process.argv,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY,
});
// Programs that were killed may have left handles behind; output to a pipe must get out first.
process.stdout.write("", () => process.exit(code));
