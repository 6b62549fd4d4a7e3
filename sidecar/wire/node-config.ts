/**
 * NodeConfig as YAML (the protobuf JSON mapping) or as a message, checked as far as it can be
 * without an engine: names, references, listeners, counts. Whoever gets one from here need not look
 * for a missing descriptor set or a second demand of one name; the options' bounds are checked by
 * the engines that use them (`node/work-options.ts`), before anything is applied.
 */
import { createHash } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { LineCounter, parseDocument } from "yaml";
import {
  type CapabilityConfig,
  type Contract,
  type DemandConfig,
  type NodeConfig,
  NodeConfigSchema,
  type SocketAddress,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { decodeJson } from "./decode-json.ts";

/** Bounds of a NodeConfig; each is in docs/limits.md. */
export const nodeConfigLimits = {
  demands: 1_000,
  capabilities: 1_000,
  descriptorSets: 1_000,
  descriptorSetBytes: 256 * 1024,
  staticPeers: 1_000,
  /** `sun_path` of Linux holds 108 bytes with its end. */
  socketPathBytes: 107,
  fileBytes: 16 * 1024 * 1024,
} as const;

/** What is wrong with a configuration. */
export interface ConfigFailure {
  /** Path in JSON names; empty for the whole. */
  readonly fieldPath: string;
  /** Value as found, shortened. */
  readonly value?: string;
  /** The bound or pattern it breaks. */
  readonly bound?: string;
  /** One clause without a full stop. */
  readonly rule: string;
  /** Line in the YAML text, from 1. */
  readonly line?: number;
}

/** A checked configuration, or the first thing wrong with it. */
export type ConfigResult =
  | { readonly ok: true; readonly value: NodeConfig }
  | { readonly ok: false; readonly failure: ConfigFailure };

/** Reads YAML text (JSON is YAML) as a checked NodeConfig. */
export function parseNodeConfig(text: string): ConfigResult {
  if (text.length > nodeConfigLimits.fileBytes) {
    return fail("", "is too long", `${text.length} bytes`, `${nodeConfigLimits.fileBytes} bytes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 100 } as object);
  const syntaxError = document.errors[0];
  if (syntaxError !== undefined) {
    const { line } = lines.linePos(syntaxError.pos[0]);
    return { ok: false, failure: { fieldPath: "", rule: syntaxError.message, line } };
  }
  const json = document.toJS() as JsonValue;
  const decoded = decodeJson(NodeConfigSchema, json);
  const result: ConfigResult = decoded.ok
    ? checkNodeConfig(decoded.value)
    : { ok: false, failure: decoded.failure };
  if (result.ok) {
    return result;
  }
  const line = lineOf(document, lines, result.failure.fieldPath);
  return line === undefined ? result : { ok: false, failure: { ...result.failure, line } };
}

/** Checks every bound of a NodeConfig that came as a message. */
export function checkNodeConfig(config: NodeConfig): ConfigResult {
  const failure =
    checkName("clusterId", config.clusterId, /^[-a-z0-9.]{1,63}$/) ??
    checkName("namespace", config.namespace, /^[-a-z0-9]{1,63}$/) ??
    checkName("nodeId", config.nodeId, /^[-A-Za-z0-9.]{1,63}$/) ??
    checkListeners(config) ??
    checkStaticPeers(config) ??
    checkDescriptorSets(config) ??
    checkList("demands", config.demands, nodeConfigLimits.demands, checkDemand(config)) ??
    checkList(
      "capabilities",
      config.capabilities,
      nodeConfigLimits.capabilities,
      checkCapability(config),
    );
  return failure === undefined ? { ok: true, value: config } : { ok: false, failure };
}

type Check<T> = (item: T, path: string) => ConfigFailure | undefined;

const resourceName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

function checkListeners(config: NodeConfig): ConfigFailure | undefined {
  const listeners = config.listeners;
  const socket = listeners?.appSocket ?? "";
  const socketBytes = Buffer.byteLength(socket);
  if (socketBytes > nodeConfigLimits.socketPathBytes) {
    const bound = `${nodeConfigLimits.socketPathBytes} bytes`;
    return failureOf("listeners.appSocket", "is too long", `${socketBytes} bytes`, bound);
  }
  return (
    checkPort("listeners.peer.port", listeners?.peer) ??
    checkPort("listeners.admin.port", listeners?.admin) ??
    checkPort("listeners.ops.port", listeners?.ops) ??
    checkLoopback("listeners.ops.host", listeners?.ops)
  );
}

function checkPort(path: string, address: SocketAddress | undefined): ConfigFailure | undefined {
  const port = address?.port ?? 0;
  return port > 65_535 ? failureOf(path, "is no port", String(port), "0 to 65535") : undefined;
}

function checkLoopback(
  path: string,
  address: SocketAddress | undefined,
): ConfigFailure | undefined {
  const host = address?.host;
  const loopback = host === undefined || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
  return loopback ? undefined : failureOf(path, "must be loopback", host, "127.0.0.0/8 or ::1");
}

function checkStaticPeers(config: NodeConfig): ConfigFailure | undefined {
  const peers = config.discovery?.staticPeers ?? [];
  return checkUnique("discovery.staticPeers", peers, nodeConfigLimits.staticPeers, {
    nameOf: (peer) => peer.nodeId,
    nameField: "nodeId",
    check: (peer, path) =>
      checkName(`${path}.nodeId`, peer.nodeId, /^[-A-Za-z0-9.]{1,63}$/) ??
      (peer.host === "" ? failureOf(`${path}.host`, "is missing") : undefined) ??
      (peer.port === 0 || peer.port > 65_535
        ? failureOf(`${path}.port`, "is no port", String(peer.port), "1 to 65535")
        : undefined),
  });
}

function checkDescriptorSets(config: NodeConfig): ConfigFailure | undefined {
  return checkUnique("descriptorSets", config.descriptorSets, nodeConfigLimits.descriptorSets, {
    nameOf: (set) => set.hash,
    nameField: "hash",
    check: (set, path) => {
      const bytes = set.content.length;
      if (bytes > nodeConfigLimits.descriptorSetBytes) {
        const bound = `${nodeConfigLimits.descriptorSetBytes} bytes`;
        return failureOf(`${path}.content`, "is too long", `${bytes} bytes`, bound);
      }
      const hash = createHash("sha256").update(set.content).digest("hex");
      return hash === set.hash
        ? undefined
        : failureOf(`${path}.hash`, "is not the SHA-256 of content", set.hash, hash);
    },
  });
}

/** Only what makes a configuration whole: the bounds of options are the engines' own. */
function checkDemand(config: NodeConfig): Check<DemandConfig> {
  return (demand, path) => checkContract(config, demand.contract, `${path}.contract`);
}

function checkCapability(config: NodeConfig): Check<CapabilityConfig> {
  return (capability, path) =>
    checkContract(config, capability.contract, `${path}.contract`) ??
    checkRange(`${path}.deliver.port`, capability.deliver?.port, [1, 65_535]) ??
    checkPath(`${path}.deliver.path`, capability.deliver?.path) ??
    checkPath(`${path}.deliver.readyPath`, capability.deliver?.readyPath);
}

function checkPath(path: string, value: string | undefined): ConfigFailure | undefined {
  const good = value === undefined || value === "" || value.startsWith("/");
  return good ? undefined : failureOf(path, "must begin with a slash", value, "/…");
}

function checkContract(
  config: NodeConfig,
  contract: Contract | undefined,
  path: string,
): ConfigFailure | undefined {
  const fullName = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
  const hash = contract?.descriptorSet ?? "";
  return (
    checkName(`${path}.request`, contract?.request ?? "", fullName) ??
    checkName(`${path}.response`, contract?.response ?? "", fullName) ??
    (config.descriptorSets.some((set) => set.hash === hash)
      ? undefined
      : failureOf(`${path}.descriptorSet`, "names no descriptor set of descriptorSets", hash))
  );
}

function checkList<T extends { name: string }>(
  path: string,
  list: readonly T[],
  max: number,
  check: Check<T>,
): ConfigFailure | undefined {
  return checkUnique(path, list, max, {
    nameOf: (item) => item.name,
    nameField: "name",
    check: (item, at) => {
      const long = item.name.length > 63;
      return long || !resourceName.test(item.name)
        ? failureOf(`${at}.name`, "is no name", item.name, `${resourceName.source}, 63 characters`)
        : check(item, at);
    },
  });
}

function checkUnique<T>(
  path: string,
  list: readonly T[],
  max: number,
  rules: { nameOf: (item: T) => string; nameField: string; check: Check<T> },
): ConfigFailure | undefined {
  if (list.length > max) {
    return failureOf(path, "has too many entries", String(list.length), String(max));
  }
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const at = `${path}[${index}]`;
    const failure = rules.check(item, at);
    if (failure !== undefined) {
      return failure;
    }
    const name = rules.nameOf(item);
    if (seen.has(name)) {
      return failureOf(`${at}.${rules.nameField}`, "stands twice", name);
    }
    seen.add(name);
  }
  return undefined;
}

function checkName(path: string, value: string, pattern: RegExp): ConfigFailure | undefined {
  if (value === "") {
    return failureOf(path, "is missing", undefined, pattern.source);
  }
  return pattern.test(value)
    ? undefined
    : failureOf(path, "does not match", value.slice(0, 100), pattern.source);
}

function checkRange(
  path: string,
  value: number | undefined,
  [min, max]: readonly [number, number],
): ConfigFailure | undefined {
  return value === undefined || (value >= min && value <= max)
    ? undefined
    : failureOf(path, "is out of range", String(value), `${min} to ${max}`);
}

function failureOf(fieldPath: string, rule: string, value?: string, bound?: string): ConfigFailure {
  return {
    fieldPath,
    rule,
    ...(value === undefined ? {} : { value }),
    ...(bound === undefined ? {} : { bound }),
  };
}

function fail(fieldPath: string, rule: string, value: string, bound: string): ConfigResult {
  return { ok: false, failure: failureOf(fieldPath, rule, value, bound) };
}

/** Line of the deepest part of the path that the text has. */
function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  fieldPath: string,
): number | undefined {
  const keys = fieldPath
    .split(/[.[\]]+/)
    .filter((key) => key !== "")
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  for (let length = keys.length; length > 0; length -= 1) {
    const node = document.getIn(keys.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range !== undefined) {
      return lines.linePos(node.range[0]).line;
    }
  }
  return undefined;
}
