/** The arguments of the sidecar's process. Nothing else of the sidecar reads any. */
import { isIP } from "node:net";
import { parseArgs } from "node:util";
import type { ControlledSidecarOptions } from "./controlled-sidecar.ts";
import { packageVersion } from "./runtime/package-version.ts";
import type { LogLevel } from "./runtime/index.ts";

interface SharedArguments {
  /** Descriptor whose end means that the parent is gone. */
  readonly parentPipe: number | undefined;
  readonly logLevel: LogLevel;
}

/** How the sidecar is to be started: by a configuration file, or told by an operator. */
export type Arguments = SharedArguments &
  (
    | { readonly way: "file"; readonly configFile: string }
    | { readonly way: "control"; readonly options: Omit<ControlledSidecarOptions, "failed"> }
  );

const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

const options = {
  config: { type: "string" },
  "parent-pipe": { type: "string" },
  "log-level": { type: "string", default: "info" },
  control: { type: "string" },
  "token-file": { type: "string" },
  "trust-bundle": { type: "string" },
  "state-folder": { type: "string" },
  "pod-ip": { type: "string" },
  "app-socket": { type: "string", default: "/run/spillway/app.sock" },
  "peer-port": { type: "string", default: "17077" },
  "admin-port": { type: "string", default: "17078" },
  "ops-port": { type: "string", default: "17080" },
  "ready-file": { type: "string", default: "" },
  "no-multicast": { type: "boolean", default: false },
} as const;

type Values = ReturnType<typeof parse>["values"];

/**
 * Reads the process's arguments.
 * @throws {TypeError} naming the argument, what it is and what it may be.
 */
export function readArguments(args: readonly string[] = process.argv.slice(2)): Arguments {
  const { values } = parse(args);
  const shared = { parentPipe: pipeOf(values), logLevel: logLevelOf(values) };
  const { config, control } = values;
  if ((config === undefined) === (control === undefined)) {
    throw new TypeError("either --config FILE or --control HOST:PORT is needed, not both");
  }
  return config === undefined
    ? { ...shared, way: "control", options: controlOptions(values) }
    : { ...shared, way: "file", configFile: config };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options });
}

function pipeOf(values: Values): number | undefined {
  const text = values["parent-pipe"];
  if (text === undefined) return undefined;
  const pipe = Number(text);
  if (Number.isInteger(pipe) && pipe >= 0) return pipe;
  throw new TypeError("--parent-pipe is the number of a descriptor");
}

function logLevelOf(values: Values): LogLevel {
  const logLevel = logLevels.find((level) => level === values["log-level"]);
  if (logLevel !== undefined) return logLevel;
  throw new TypeError(`--log-level is one of ${logLevels.join(", ")}`);
}

function controlOptions(values: Values): Omit<ControlledSidecarOptions, "failed"> {
  const podIps = podIpsOf(values);
  return {
    control: controlAddress(required(values, "control")),
    tokenFile: required(values, "token-file"),
    trustBundleFile: required(values, "trust-bundle"),
    stateFolder: required(values, "state-folder"),
    podIps,
    peerPort: portOf(values, "peer-port"),
    multicast: !values["no-multicast"],
    appSocket: values["app-socket"],
    // Probes and scrapers come from outside of the pod; operations only from inside of it.
    admin: { host: podIps[0] ?? "::", port: portOf(values, "admin-port") },
    ops: { host: "127.0.0.1", port: portOf(values, "ops-port") },
    readyFile: values["ready-file"],
    sidecarVersion: packageVersion(),
  };
}

function required(
  values: Values,
  name: "control" | "token-file" | "trust-bundle" | "state-folder" | "pod-ip",
): string {
  const value = values[name];
  if (value !== undefined && value !== "") return value;
  throw new TypeError(`--${name} is needed beside --control`);
}

/** The form of the downward API's `status.podIPs`. */
function podIpsOf(values: Values): string[] {
  const text = required(values, "pod-ip");
  const podIps = text.split(",");
  if (podIps.length <= 4 && podIps.every((ip) => isIP(ip) !== 0)) return podIps;
  throw new TypeError(`--pod-ip is 1 to 4 IP addresses, by commas; it is ${text}`);
}

function controlAddress(text: string): string {
  const port = Number(/:(\d{1,5})$/.exec(text)?.[1]);
  if (/^[^\s/]+:\d+$/.test(text) && port >= 1 && port <= 65_535) return text;
  throw new TypeError(`--control is HOST:PORT; it is ${text}`);
}

function portOf(values: Values, name: "peer-port" | "admin-port" | "ops-port"): number {
  const text = values[name];
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new TypeError(`--${name} is 0 to 65535; it is ${text}`);
}
