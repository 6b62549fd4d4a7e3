/** How the commands end; scripts rely on it. */
import { InvalidArgumentError } from "commander";
import { LocalError, maxWaitSeconds } from "../local/index.ts";

/**
 * 0: done (`status`: healthy; `up`: ended by Ctrl-C in order). 1: done, and the answer is bad
 * (`status`: problems; `send`: refused or failed; `up`: did not end in order). 2: nothing was done
 * (bad input, nothing runs there).
 */
export const exitCode = { done: 0, bad: 1, refused: 2 } as const;

/** One of the above. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The list for `--help`. */
export const exitCodeHelp = `
Exit codes:
  0  done; status: healthy; up: ended in order by Ctrl-C
  1  status: there are problems; send: refused or failed; up: did not end in order
  2  bad input, or nothing runs there: nothing was done`;

/** A refusal, one problem per line; a bug keeps its stack, since somebody has to mend it. */
export function errorText(error: unknown): string {
  if (error instanceof LocalError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Reads `--wait SECONDS`. @throws {InvalidArgumentError} */
export function parseWaitSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= maxWaitSeconds)) {
    throw new InvalidArgumentError(`Write seconds from 0 to ${maxWaitSeconds}.`);
  }
  return seconds;
}
