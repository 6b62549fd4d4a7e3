import type { ExitCode } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the commands work with. */
export interface CommandContext {
  readonly surroundings: Surroundings;
  readonly version: string;
  /** Gets the exit code of the command that ran. */
  readonly onDone: (code: ExitCode) => void;
}
