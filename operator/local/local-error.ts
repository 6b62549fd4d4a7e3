/**
 * The one error of this room, and how it is told: file, line and column, field, value, bound and
 * what to do about it, in one or two sentences.
 */

/** Everything that can be refused here. */
export type LocalErrorCode =
  /** The folder, or a file of it, cannot be read. */
  | "FOLDER_UNREADABLE"
  /** A manifest is refused. */
  | "MANIFEST_INVALID"
  /** A .proto file does not compile. */
  | "PROTO_INVALID"
  /** apps.yaml is refused. */
  | "APPS_INVALID"
  /** Something else listens on a program's port. */
  | "PORT_IN_USE"
  /** A program's command is found nowhere on PATH, or cannot be run. */
  | "COMMAND_NOT_FOUND"
  /** Another `spillway up` runs this folder. */
  | "ALREADY_RUNNING"
  /** The state folder belongs to somebody else, or others may enter it. */
  | "STATE_FOLDER_UNSAFE"
  /** A socket's path is longer than the system allows. */
  | "SOCKET_PATH_TOO_LONG"
  /** A sidecar ended before it was ready. */
  | "SIDECAR_FAILED"
  /** No `spillway up` runs this folder. */
  | "NOT_RUNNING"
  /** Ctrl-C came while things were still starting. */
  | "STOPPED";

/** One thing wrong. */
export interface Problem {
  /** File, relative to where the command was given; absent when no file is to blame. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** What is wrong: a clause with field, value and bound, without a full stop. */
  readonly text: string;
  /** What to do: a sentence. */
  readonly remedy: string;
}

/** Problems that are told at most, one per line; the others are counted. */
const maxToldProblems = 10;

/** A refusal of this room: one or more problems, one per line of its message. */
export class LocalError extends Error {
  override readonly name = "LocalError";
  readonly code: LocalErrorCode;
  /** At least one, in the order of the files. */
  readonly problems: readonly Problem[];

  constructor(code: LocalErrorCode, problems: readonly Problem[], options?: ErrorOptions) {
    super(errorText(problems), options);
    this.code = code;
    this.problems = problems;
  }
}

/** A problem on one line: `FILE:LINE:COLUMN: what is wrong. What to do.` */
export function problemText({ file, line, column, text, remedy }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return `${place === "" ? "" : `${place}: `}${text}. ${remedy}`;
}

function errorText(problems: readonly Problem[]): string {
  if (problems.length === 0) throw new Error("a LocalError without a problem");
  const told = problems.slice(0, maxToldProblems).map(problemText);
  const others = problems.length - told.length;
  return [...told, ...(others === 0 ? [] : [`(${others} more after these)`])].join("\n");
}
