/** How the commands end; scripts rely on it. */
import { InvalidArgumentError } from "commander";
import { ClusterError } from "../cluster/index.ts";
import { InspectError, maxWaitSeconds } from "../inspect/index.ts";
import { LocalError } from "../local/index.ts";

/**
 * 0: done (`status`, `check`: healthy; `up`: ended by Ctrl-C in order). 1: done, and the answer is
 * bad (`status`, `check`: problems; `send`: the queue took no item, or the outcome is no result;
 * `explain`: the item is not known any more; `up`: did not end in order). 2: nothing was done (bad
 * input, whoever found it so; nothing runs there, no way to the cluster, a permission is missing).
 */
export const exitCode = { done: 0, bad: 1, refused: 2 } as const;

/** One of the above. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The list for `--help`. */
export const exitCodeHelp = `
Exit codes:
  0  done; status, check: healthy; up: ended in order by Ctrl-C
  1  status, check: there are problems; send: the queue takes none, or the item failed;
     explain: not known any more; up: did not end in order
  2  bad input, nothing runs there, no way to the cluster, or a permission is
     missing: nothing was done`;

/** A refusal, one problem per line; a bug keeps its stack, since somebody has to mend it. */
export function errorText(error: unknown): string {
  if (isRefusal(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Whether nothing was done, and the message says all there is to say. */
export function isRefusal(error: unknown): error is Error {
  return (
    error instanceof LocalError || error instanceof InspectError || error instanceof ClusterError
  );
}

/** Runs a command whose refusals are told without a stack, with exit code 2. */
export async function answering(act: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await act();
  } catch (error) {
    process.stderr.write(`spillway: ${errorText(error)}\n`);
    return isRefusal(error) ? exitCode.refused : exitCode.bad;
  }
}

/** Reads `--wait SECONDS`. @throws {InvalidArgumentError} */
export function parseWaitSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= maxWaitSeconds)) {
    throw new InvalidArgumentError(`Write seconds from 0 to ${maxWaitSeconds}.`);
  }
  return seconds;
}
