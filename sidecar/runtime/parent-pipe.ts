/**
 * The pipe that `spillway up` holds open to each sidecar. While it is open the parent lives; its
 * end of file means that the parent is gone, however it died, and that the sidecar ends with the
 * program it stands beside. Each line is JSON: {"program": {"pid": 4711, "startTime": "…"}}, the
 * latest wins; {"program": null} when there is none.
 */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { processStartTime } from "./process-start-time.ts";

/** A program that runs beside the sidecar. */
export interface ProgramProcess {
  /** Also its process group. */
  readonly pid: number;
  /** As `processStartTime` reads it: a pid alone may be somebody else's by now. */
  readonly startTime: string;
}

/**
 * Reads the pipe until its end.
 * @param onEnd called once, with the program that ran last.
 */
export function watchParent(pipe: Readable, onEnd: (program: ProgramProcess | null) => void): void {
  let program: ProgramProcess | null = null;
  let ended = false;
  const end = (): void => {
    if (!ended) {
      ended = true;
      onEnd(program);
    }
  };
  const lines = createInterface({ input: pipe });
  lines.on("line", (line) => {
    const told = parseLine(line);
    if (told !== undefined) program = told;
  });
  lines.on("close", end);
  pipe.on("error", end);
}

/**
 * Ends a program's process group, unless the pid belongs to another process by now.
 * @returns false when nothing of it was there.
 */
export function signalProgram(program: ProgramProcess, signal: "SIGTERM" | "SIGKILL"): boolean {
  if (processStartTime(program.pid) !== program.startTime) {
    return false;
  }
  try {
    process.kill(-program.pid, signal);
    return true;
  } catch {
    // Gone between the two calls.
    return false;
  }
}

function parseLine(line: string): ProgramProcess | null | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || !("program" in parsed)) {
    return undefined;
  }
  const { program } = parsed;
  if (program === null) {
    return null;
  }
  const whole =
    typeof program === "object" &&
    program !== undefined &&
    "pid" in program &&
    "startTime" in program &&
    Number.isSafeInteger(program.pid) &&
    typeof program.startTime === "string";
  if (!whole) {
    return undefined;
  }
  return { pid: Number(program.pid), startTime: String(program.startTime) };
}
