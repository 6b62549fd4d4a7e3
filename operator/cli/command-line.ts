/** The command line from its arguments to its exit code. */
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { CommanderError } from "commander";
import { createCommands } from "./commands.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { type ProcessView, readSurroundings } from "./surroundings.ts";

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

/** Carries out what `argv` asks for. */
export async function runCommandLine(view: ProcessView): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const commands = createCommands({
    surroundings: readSurroundings(view),
    version: packageVersion(),
    onDone: (done) => {
      code = done;
    },
  });
  try {
    await commands.parseAsync([...view.argv]);
    return code;
  } catch (error) {
    // commander has told it already; help and version end the same way.
    if (error instanceof CommanderError) return error.exitCode === 0 ? code : exitCode.refused;
    throw error;
  }
}
