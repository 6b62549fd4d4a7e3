/** The operator's configuration: arguments and environment, read here and nowhere else. */
import { hostname } from "node:os";
import { isIP, isIPv6 } from "node:net";
import { parseArgs } from "node:util";
import { ownObjects } from "./manifests/index.ts";
import { type LogLevel, parseDuration } from "../sidecar/runtime/index.ts";

/** Everything an operator is told. */
export interface OperatorConfig {
  /** Namespace that it runs in: of its Lease, its Secret and its ConfigMap. */
  readonly namespace: string;
  /** Name of this process in events; the pod's. */
  readonly podName: string;
  /** Address under which sidecars reach this process. */
  readonly podIp: string;
  /** Cluster that its authority speaks for, `[-a-z0-9.]{1,63}`. */
  readonly clusterId: string;
  /** Port of the control stream. */
  readonly controlPort: number;
  /** Port of `/healthz`, `/readyz` and `/metrics`. */
  readonly healthPort: number;
  readonly lease: LeaseConfig;
  readonly logLevel: LogLevel;
  /** Where the API server is: a kubeconfig's path, or what the kubelet gives a pod. */
  readonly apiServer: ApiServerConfig;
}

/** The Lease of the leader. */
export interface LeaseConfig {
  readonly name: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** Where the API server is. */
export type ApiServerConfig =
  | { readonly from: "kubeconfig"; readonly path: string }
  | {
      readonly from: "pod";
      readonly host: string;
      readonly port: string;
      /** Folder of `token`, `ca.crt` and `namespace`. @default where the kubelet mounts it */
      readonly folder?: string;
    };

/** A configuration that cannot be: option, value, bound, remedy. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "CONFIG_INVALID";
}

const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

const options = {
  namespace: { type: "string" },
  "pod-name": { type: "string" },
  "pod-ip": { type: "string" },
  "cluster-id": { type: "string", default: "cluster" },
  "control-port": { type: "string", default: "17079" },
  "health-port": { type: "string", default: "17078" },
  lease: { type: "string", default: ownObjects.lease },
  "lease-duration": { type: "string", default: "15s" },
  "renew-deadline": { type: "string", default: "10s" },
  "retry-period": { type: "string", default: "2s" },
  kubeconfig: { type: "string" },
  "service-account-folder": { type: "string" },
  "log-level": { type: "string", default: "info" },
} as const;

type Values = ReturnType<typeof parse>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration. An option wins over the variable that a pod gets it by: `POD_NAMESPACE`,
 * `POD_NAME`, `POD_IP` (downward API), `KUBERNETES_SERVICE_HOST` and `…_PORT`.
 * @throws {ConfigError}
 */
export function readConfig(
  args: readonly string[] = process.argv.slice(2),
  environment: Environment = process.env,
): OperatorConfig {
  const values = parse(args);
  const namespace = values.namespace ?? environment.POD_NAMESPACE;
  const podIp = values["pod-ip"] ?? environment.POD_IP;
  return {
    namespace: matching(namespace, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, {
      option: "--namespace (or POD_NAMESPACE)",
      bound: "the namespace that the operator runs in",
    }),
    podName: values["pod-name"] ?? environment.POD_NAME ?? hostname(),
    podIp: podIpOf(podIp),
    clusterId: matching(values["cluster-id"], /^[-a-z0-9.]{1,63}$/, {
      option: "--cluster-id",
      bound: "1 to 63 of a-z, 0-9, - and .",
    }),
    controlPort: portOf(values, "control-port"),
    healthPort: portOf(values, "health-port"),
    lease: leaseOf(values),
    logLevel: logLevelOf(values["log-level"]),
    apiServer: apiServerOf(values, environment),
  };
}

/** Host that listeners of every address of the pod's family are bound to. */
export function anyAddressOf({ podIp }: Pick<OperatorConfig, "podIp">): string {
  return isIPv6(podIp) ? "::" : "0.0.0.0";
}

/** `HOST:PORT` under which sidecars reach an operator; the name of a leader in the Lease. */
export function controlAddressOf(config: Pick<OperatorConfig, "podIp" | "controlPort">): string {
  const { podIp, controlPort } = config;
  return `${isIPv6(podIp) ? `[${podIp}]` : podIp}:${controlPort.toString()}`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function matching(
  value: string | undefined,
  pattern: RegExp,
  { option, bound }: { readonly option: string; readonly bound: string },
): string {
  if (value !== undefined && pattern.test(value)) return value;
  throw new ConfigError(`${option} is ${told(value)}; give ${bound}`);
}

function podIpOf(text: string | undefined): string {
  if (text !== undefined && isIP(text) !== 0) return text;
  throw new ConfigError(`--pod-ip (or POD_IP) is ${told(text)}; give the pod's IP address`);
}

function told(value: string | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

function portOf(values: Values, name: "control-port" | "health-port"): number {
  const port = Number(values[name]);
  if (/^\d+$/.test(values[name]) && port >= 1 && port <= 65_535) return port;
  throw new ConfigError(`--${name} is ${told(values[name])}; give a port, 1 to 65535`);
}

function leaseOf(values: Values): LeaseConfig {
  const leaseDurationMs = durationOf(values, "lease-duration");
  const renewDeadlineMs = durationOf(values, "renew-deadline");
  const retryPeriodMs = durationOf(values, "retry-period");
  // Source: client-go, leaderelection: who stops late and who starts early must not overlap.
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > 1.2 * retryPeriodMs)) {
    throw new ConfigError(
      "--lease-duration, --renew-deadline and --retry-period do not fit: give a duration above the deadline, and a deadline above 1.2 periods, such as 15s, 10s, 2s",
    );
  }
  // Source: Kubernetes API, Lease: `leaseDurationSeconds` is an integer.
  if (leaseDurationMs % 1_000 !== 0) {
    throw new ConfigError(
      `--lease-duration is ${told(values["lease-duration"])}; give whole seconds, such as 15s`,
    );
  }
  return { name: values.lease, leaseDurationMs, renewDeadlineMs, retryPeriodMs };
}

function durationOf(
  values: Values,
  name: "lease-duration" | "renew-deadline" | "retry-period",
): number {
  const parsed = parseDuration(values[name]);
  if (parsed.ok) return parsed.valueMs;
  throw new ConfigError(`--${name} is ${told(values[name])}; give a duration such as 15s`);
}

function logLevelOf(text: string): LogLevel {
  const level = logLevels.find((it) => it === text);
  if (level !== undefined) return level;
  throw new ConfigError(`--log-level is ${told(text)}; give one of ${logLevels.join(", ")}`);
}

function apiServerOf(values: Values, environment: Environment): ApiServerConfig {
  const { kubeconfig: path, "service-account-folder": folder } = values;
  if (path !== undefined) return { from: "kubeconfig", path };
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host !== undefined && port !== undefined) {
    return { from: "pod", host, port, ...(folder === undefined ? {} : { folder }) };
  }
  throw new ConfigError(
    "there is no API server: outside of a pod give --kubeconfig FILE; in one the kubelet sets KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT",
  );
}
