/**
 * One logger for the process, passed down; each component gets its own view of it. Lines are JSON,
 * and five field names are fixed so that one ticket's life over three processes is one grep.
 * Payloads and secrets are never given to it. Source: https://getpino.io (pino 10).
 */
import { pino, stdTimeFunctions } from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";
import { LogOutput } from "./log-output.ts";

/** Least important line that is written. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Facts of a line. The first five names are fixed over all processes. */
export interface LogFields {
  readonly ticket?: string;
  /** Name of the demand. */
  readonly demand?: string;
  /** Node id of the peer. */
  readonly peer?: string;
  /** Name of the session tier. */
  readonly tier?: string;
  /** Trace id of the W3C trace context, 32 hex digits. */
  readonly traceId?: string;
  /** A caught error: type, code, message and stack are written. */
  readonly err?: unknown;
  /** Names end in their unit, values are numbers, flags and short texts. */
  readonly [field: string]: unknown;
}

/** Writes one line. The message is a constant sentence; what varies stands in the fields. */
export type LogMethod = (fields: LogFields, message: string) => void;

/** What every component is given. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** @returns the same logger with these fields on each line. */
  with(fields: LogFields): Logger;
}

/** The process's logger. */
export interface RootLogger {
  /**
   * @param component `process:room`, for example `sidecar:work`; the field `component` of its
   *   lines.
   */
  forComponent(component: string): Logger;
  /** Resolves when what waits is written out, at most 300 ms later; called last of all. */
  flush(): Promise<void>;
}

/** How the process logs. */
export interface LoggerOptions {
  /** @default "info" */
  readonly level?: LogLevel;
  /**
   * Where lines go. @default standard output, without blocking: when its reader stands still, lines
   * beyond 1 MiB are dropped rather than the event loop held.
   */
  readonly destination?: DestinationStream;
  /** Fields on every line, for example `{ node }`. */
  readonly fields?: LogFields;
}

/** A reader that stands still costs the end of the process no more than this. */
const flushTimeoutMs = 300;

function view(line: PinoLogger): Logger {
  return {
    trace: (fields, message) => {
      line.trace(fields, message);
    },
    debug: (fields, message) => {
      line.debug(fields, message);
    },
    info: (fields, message) => {
      line.info(fields, message);
    },
    warn: (fields, message) => {
      line.warn(fields, message);
    },
    error: (fields, message) => {
      line.error(fields, message);
    },
    fatal: (fields, message) => {
      line.fatal(fields, message);
    },
    with: (fields) => view(line.child(fields)),
  };
}

/**
 * Makes the process's logger; called once, in a main file.
 * Cost: a line that its level leaves out costs one comparison.
 */
export function createLogger(options: LoggerOptions = {}): RootLogger {
  const own = options.destination === undefined ? new LogOutput(1) : undefined;
  const root = pino(
    {
      level: options.level ?? "info",
      base: { pid: process.pid, ...options.fields },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    own ?? options.destination,
  );
  return {
    forComponent: (component) => view(root.child({ component })),
    flush: () => own?.flush(flushTimeoutMs) ?? Promise.resolve(),
  };
}

/** A logger that writes nothing: for tests and for the SDK without one. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  with: () => silentLogger,
};
