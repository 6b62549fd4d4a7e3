#!/usr/bin/env node
/**
 * Entry of the sidecar: reads its configuration, starts the node and the listeners, takes changes,
 * ends in order. The only file here that reads arguments, signals and the parent's pipe.
 *
 *     node sidecar/main.js --config FILE [--parent-pipe FD] [--log-level LEVEL]
 */
import { startIsOver } from "./runtime/small-start.ts";
import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { parseArgs } from "node:util";
import { ApiError } from "./api/index.ts";
import { ConfigError } from "./config.ts";
import { NodeError } from "./node/index.ts";
import { signalProgram, watchParent } from "./runtime/parent-pipe.ts";
import { createLogger, type LogLevel, type RootLogger } from "./runtime/index.ts";
import { Sidecar } from "./sidecar.ts";
import { TransportError } from "./transport/index.ts";

/** Exit codes: 0 ended in order, 1 failed, 2 refused to start (arguments, configuration). */
const exitCode = { failed: 1, refused: 2 } as const;

const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

interface Arguments {
  readonly configFile: string;
  readonly parentPipe: number | undefined;
  readonly logLevel: LogLevel;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      config: { type: "string" },
      "parent-pipe": { type: "string" },
      "log-level": { type: "string", default: "info" },
    },
  });
  const logLevel = logLevels.find((level) => level === values["log-level"]);
  const pipe = values["parent-pipe"] === undefined ? undefined : Number(values["parent-pipe"]);
  if (values.config === undefined || logLevel === undefined) {
    throw new TypeError(`--config FILE is needed; --log-level is one of ${logLevels.join(", ")}`);
  }
  if (pipe !== undefined && !(Number.isInteger(pipe) && pipe >= 0)) {
    throw new TypeError("--parent-pipe is the number of a descriptor");
  }
  return { configFile: values.config, parentPipe: pipe, logLevel };
}

function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`spillway-sidecar: ${message}\n`);
  process.exit(exitCode.refused);
}

/** Ends once, whoever asks first; a second signal ends at once. */
function endOnSignals(sidecar: Sidecar, logger: RootLogger): void {
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
function endWithParent(fd: number, sidecar: Sidecar, logger: RootLogger): void {
  // A socket, not a file stream: a file read would hold one of the four threads for good.
  watchParent(new Socket({ fd, readable: true, writable: false }), (program) => {
    logger.forComponent("sidecar:main").warn({}, "the parent is gone: ending with its program");
    if (program !== null) signalProgram(program, "SIGKILL");
    void sidecar.end("end of the parent", { drain: false }).finally(() => {
      process.exit(exitCode.failed);
    });
  });
}

async function main(): Promise<void> {
  let args: Arguments;
  try {
    args = readArguments();
  } catch (error) {
    return refuse(error);
  }
  const logger = createLogger({ level: args.logLevel });
  let sidecar: Sidecar;
  try {
    sidecar = await Sidecar.start(args.configFile, logger);
  } catch (error) {
    const expected = [ApiError, ConfigError, NodeError, TransportError];
    if (!expected.some((type) => error instanceof type)) throw error;
    return refuse(error);
  }
  endOnSignals(sidecar, logger);
  if (args.parentPipe !== undefined) endWithParent(args.parentPipe, sidecar, logger);
  sidecar.watchConfig();
  if (sidecar.readyFile !== "") {
    writeFileSync(sidecar.readyFile, JSON.stringify(sidecar.addresses), { mode: 0o600 });
  }
  startIsOver();
  logger.forComponent("sidecar:main").info({ addresses: sidecar.addresses }, "ready");
}

await main();
