/** The command line from its arguments to its exit code. */
import { CommanderError } from "commander";
import { packageVersion } from "../../sidecar/runtime/package-version.ts";
import { createCommands } from "./commands.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { type ProcessView, readSurroundings } from "./surroundings.ts";

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
