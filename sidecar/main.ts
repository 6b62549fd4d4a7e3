#!/usr/bin/env node
/**
 * Entry of the sidecar: starts the node and the listeners, takes changes, ends in order. The only
 * file here that reads signals and the parent's pipe.
 *
 *     node sidecar/main.js --config FILE [--parent-pipe FD] [--log-level LEVEL]
 *     node sidecar/main.js --control HOST:PORT --token-file FILE --trust-bundle FILE
 *       --state-folder DIR --pod-ip IP[,IP] [the options of `arguments.ts`]
 */
import { startIsOver } from "./runtime/small-start.ts";
import { Socket } from "node:net";
import { ApiError } from "./api/index.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { ConfigError } from "./config.ts";
import { NodeError } from "./node/index.ts";
import { signalProgram, watchParent } from "./runtime/parent-pipe.ts";
import { createLogger, type RootLogger } from "./runtime/index.ts";
import { Sidecar, type SidecarAddresses } from "./sidecar.ts";
import { TransportError } from "./transport/index.ts";

/** Exit codes: 0 ended in order, 1 failed, 2 refused to start (arguments, configuration). */
const exitCode = { failed: 1, refused: 2 } as const;

function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`spillway-sidecar: ${message}\n`);
  process.exit(exitCode.refused);
}

/** A sidecar, however it is configured. */
interface StartedSidecar {
  readonly addresses: SidecarAddresses;
  /** The rest of the start, once signals are listened to. */
  ready(): Promise<void>;
  end(reason: string, options: { readonly drain: boolean }): Promise<boolean>;
}

/** Ends once, whoever asks first; a second signal ends at once. */
function endOnSignals(sidecar: StartedSidecar, logger: RootLogger): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) {
      process.exit(exitCode.failed);
    }
    ending = true;
    void sidecar.end(signal, { drain: true }).then(async (clean) => {
      await logger.flush();
      process.exit(clean ? 0 : exitCode.failed);
    });
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

/** The parent is gone, however it died: the program goes, and so does this process. */
function endWithParent(fd: number, sidecar: StartedSidecar, logger: RootLogger): void {
  // A socket, not a file stream: a file read would hold one of the four threads for good.
  watchParent(new Socket({ fd, readable: true, writable: false }), (program) => {
    logger.forComponent("sidecar:main").warn({}, "the parent is gone: ending with its program");
    if (program !== null) signalProgram(program, "SIGKILL");
    void sidecar.end("end of the parent", { drain: false }).finally(() => {
      process.exit(exitCode.failed);
    });
  });
}

async function start(args: Arguments, logger: RootLogger): Promise<StartedSidecar> {
  if (args.way === "file") {
    return Sidecar.start(args.configFile, logger);
  }
  // Loaded here, so that a sidecar of one machine does not carry the client of the control stream.
  const { ControlledSidecar } = await import("./controlled-sidecar.ts");
  const failed = (error: unknown): void => {
    logger.forComponent("sidecar:main").fatal({ err: error }, "the node cannot be started");
    void logger.flush().finally(() => process.exit(exitCode.failed));
  };
  return ControlledSidecar.start({ ...args.options, failed }, logger);
}

/** Errors that say what to mend; any other is a bug and is told with its stack. */
async function isExpected(error: unknown, args: Arguments): Promise<boolean> {
  const expected = [ApiError, ConfigError, NodeError, TransportError];
  if (expected.some((type) => error instanceof type)) return true;
  return (
    args.way === "control" && error instanceof (await import("./control/index.ts")).ControlError
  );
}

async function main(): Promise<void> {
  let args: Arguments;
  try {
    args = readArguments();
  } catch (error) {
    return refuse(error);
  }
  const logger = createLogger({ level: args.logLevel });
  let sidecar: StartedSidecar;
  try {
    sidecar = await start(args, logger);
  } catch (error) {
    if (!(await isExpected(error, args))) throw error;
    return refuse(error);
  }
  endOnSignals(sidecar, logger);
  if (args.parentPipe !== undefined) endWithParent(args.parentPipe, sidecar, logger);
  await sidecar.ready();
  startIsOver();
  logger.forComponent("sidecar:main").info({ addresses: sidecar.addresses }, "ready");
}

await main();
