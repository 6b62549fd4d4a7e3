/** `spillway up`: runs a folder until Ctrl-C. */
import {
  createOutput,
  LocalError,
  type RunningFolder,
  startFolder,
  type UpOptions,
} from "../local/index.ts";
import { errorText, type ExitCode, exitCode, isRefusal } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";

/** Flags of the command. */
export interface UpFlags {
  readonly json?: true;
}

/**
 * npm passes a Ctrl-C on that the terminal has sent to us already: two signals within this time,
 * ms, are one.
 */
const sameSignalMs = 1_000;

/**
 * Runs a folder until SIGINT, SIGTERM, SIGHUP or the end of standard output; then ends it in order.
 * A further signal kills everything at once.
 */
export async function runUp(
  folder: string,
  flags: UpFlags,
  surroundings: Surroundings,
  overrides: Pick<UpOptions, "sidecarCommand"> = {},
): Promise<ExitCode> {
  const output = createOutput({
    form: flags.json === true ? "json" : "text",
    colour: surroundings.colour,
    write: (text) => process.stdout.write(text),
    nowEpochMs: Date.now,
  });
  const starting = new AbortController();
  let running: RunningFolder | undefined;
  const asked = stopRequest(() => running?.kill());
  void asked.then(() => starting.abort());
  try {
    running = await startFolder({
      folder,
      output,
      environment: surroundings.environment,
      stateRoots: surroundings.stateRoots,
      ownCommand: surroundings.ownCommand,
      signal: starting.signal,
      nowEpochMs: Date.now,
      ...overrides,
    });
    const reason = await asked;
    output.event("info", `${reason}: draining, then ending; again to end at once`);
    await running.stop();
    output.event("info", "ended, nothing is left behind");
    return exitCode.done;
  } catch (error) {
    if (error instanceof LocalError && error.code === "STOPPED") return exitCode.done;
    process.stderr.write(`spillway: ${errorText(error)}\n`);
    return isRefusal(error) ? exitCode.refused : exitCode.bad;
  }
}

/** Resolves with what asked for the end. @param again called when it is asked for once more. */
async function stopRequest(again: () => void): Promise<string> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    const ask = (reason: string): void => {
      const nowMs = performance.now();
      if (firstAtMs === undefined) resolve(reason);
      else if (nowMs - firstAtMs > sameSignalMs) again();
      firstAtMs ??= nowMs;
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => ask(signal));
    }
    // Whoever read our output is gone: nobody would see what runs on.
    process.stdout.on("error", () => ask("end of the output"));
  });
}
