#!/usr/bin/env node
/**
 * Entry of the operator. The only file of it that reads signals and ends the process.
 *
 *     node operator/main.js [--namespace NAME] [--kubeconfig FILE] [--log-level LEVEL] …
 *
 * Exit codes: 0 ended in order; 1 failed, or lost the lead; 2 refused to start.
 */
import "../sidecar/runtime/small-start.ts";
import { createLogger, type RootLogger } from "../sidecar/runtime/index.ts";
import { ConfigError, type OperatorConfig, readConfig } from "./config.ts";
import { Operator } from "./operator.ts";
import { ApiError, keepHeapSmall } from "./runtime/index.ts";

const exitCode = { failed: 1, refused: 2 } as const;

function refuse(error: Error): never {
  process.stderr.write(`spillway-operator: ${error.message}\n`);
  process.exit(exitCode.refused);
}

function configOrRefuse(): OperatorConfig {
  try {
    return readConfig();
  } catch (error) {
    if (error instanceof ConfigError) return refuse(error);
    throw error;
  }
}

async function start(config: OperatorConfig, logger: RootLogger): Promise<Operator> {
  const log = logger.forComponent("operator:main");
  try {
    return await Operator.start(config, {
      logger,
      // No clean-up: another one leads by now, and whatever this one did could undo its work.
      onLeadLost: () => {
        log.fatal({}, "the lead was lost: ending without a further write");
        void logger.flush().finally(() => process.exit(exitCode.failed));
      },
      onFailed: (error) => {
        log.fatal({ err: error }, "the operator cannot go on");
        void logger.flush().finally(() => process.exit(exitCode.failed));
      },
    });
  } catch (error) {
    if (error instanceof ApiError) return refuse(error);
    throw error;
  }
}

/** Ends once, whoever asks first; a second signal ends at once. */
function endOnSignals(operator: Operator, logger: RootLogger): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) process.exit(exitCode.failed);
    ending = true;
    void operator.end(signal).then(async (clean) => {
      await logger.flush();
      process.exit(clean ? 0 : exitCode.failed);
    });
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

keepHeapSmall();
const config = configOrRefuse();
const logger = createLogger({ level: config.logLevel });
endOnSignals(await start(config, logger), logger);
