#!/usr/bin/env node
/** Entry of the `spillway` command. The only reader of process.env in operator/cli. */
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { CommanderError } from "commander";
import { createCommands } from "./commands.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { readSurroundings } from "./surroundings.ts";

function packageVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const found: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof found === "object" &&
    found !== null &&
    "version" in found &&
    typeof found.version === "string"
    ? found.version
    : "unknown";
}

async function main(): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const commands = createCommands({
    surroundings: readSurroundings({
      env: process.env,
      argv: process.argv,
      cwd: process.cwd(),
      isTerminal: process.stdout.isTTY,
    }),
    version: packageVersion(),
    onDone: (done) => {
      code = done;
    },
  });
  try {
    await commands.parseAsync(process.argv);
    return code;
  } catch (error) {
    // commander has told it already; help and version end the same way.
    if (error instanceof CommanderError) return error.exitCode === 0 ? code : exitCode.refused;
    throw error;
  }
}

const code = await main();
// Programs that were killed may have left handles behind; output to a pipe must get out first.
process.stdout.write("", () => process.exit(code));
