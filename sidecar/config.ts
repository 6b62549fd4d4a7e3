/** Reads a sidecar's configuration file, and again when it changes. */
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { NodeConfig } from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import { type ConfigFailure, parseNodeConfig } from "./wire/node-config.ts";

/** `CONFIG_UNREADABLE`: the file could not be read. `CONFIG_INVALID`: its content is refused. */
export type ConfigErrorCode = "CONFIG_UNREADABLE" | "CONFIG_INVALID";

/** Names file, line, field, value and bound in one sentence. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  constructor(code: ConfigErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Reads and checks a configuration file.
 * @throws {ConfigError} `CONFIG_UNREADABLE`, `CONFIG_INVALID`.
 */
export function readNodeConfig(file: string): NodeConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError("CONFIG_UNREADABLE", `${file} cannot be read: ${reason}`, {
      cause: error,
    });
  }
  const result = parseNodeConfig(text);
  if (!result.ok) {
    throw new ConfigError("CONFIG_INVALID", sentenceOf(file, result.failure));
  }
  return result.value;
}

function sentenceOf(file: string, failure: ConfigFailure): string {
  const at = failure.line === undefined ? file : `${file}:${failure.line}`;
  const field = failure.fieldPath === "" ? "the configuration" : failure.fieldPath;
  const value = failure.value === undefined ? "" : ` (it is ${JSON.stringify(failure.value)})`;
  const bound = failure.bound === undefined ? "" : `; allowed: ${failure.bound}`;
  return `${at}: ${field} ${failure.rule}${value}${bound}`;
}

/** Editors and `rename` make several events of one change: they are read as one. */
const settleMs = 20;

/**
 * Calls `onChange` after each change of the file, also when it is replaced by a rename.
 * @returns ends the watch.
 */
export function watchNodeConfig(file: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(file), (_event, name) => {
    if (name === null || name === basename(file)) {
      clearTimeout(timer);
      timer = setTimeout(onChange, settleMs);
    }
  });
  // The folder goes away at the end of `spillway up`: nothing more to watch.
  watcher.on("error", () => watcher.close());
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
