/**
 * Configuration messages → options of the engines, all of them before any is applied, so that a
 * configuration is taken whole or not at all.
 */
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type CapabilityConfig,
  type DemandConfig,
  type NodeConfig,
  Overflow,
  type Retention,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type CapabilityOptions,
  type DemandOptions,
  type PartialDemandOptions,
  resolveCapabilityOptions,
  resolveDemandOptions,
  WorkError,
} from "../core/work/index.ts";
import { Contracts, type NodeContract } from "./contracts.ts";
import { NodeError } from "./node-error.ts";

/** A demand of a configuration, ready to be applied. */
export interface PreparedDemand {
  readonly name: string;
  readonly contract: NodeContract;
  readonly options: DemandOptions;
}

/** A capability of a configuration, ready to be applied. */
export interface PreparedCapability {
  readonly name: string;
  readonly contract: NodeContract;
  readonly options: CapabilityOptions;
}

/** A configuration, ready to be applied. */
export interface PreparedWork {
  readonly demands: readonly PreparedDemand[];
  readonly capabilities: readonly PreparedCapability[];
}

/**
 * Resolves every option and contract of a configuration.
 * @throws {NodeError} `CONFIG_INVALID`, `CONTRACT_UNRESOLVED`, each naming the resource.
 */
export function prepareWork(config: NodeConfig, contracts: Contracts): PreparedWork {
  const demandOptions = config.demands.map((each) =>
    checked(each.name, () => demandOptionsOf(each)),
  );
  const capabilityOptions = config.capabilities.map((each) =>
    checked(each.name, () => capabilityOptionsOf(each)),
  );
  const contractOf = contracts.take(config);
  return {
    demands: config.demands.flatMap(({ name, contract }, index) => {
      const options = demandOptions[index];
      return options === undefined ? [] : [{ name, contract: contractOf(contract), options }];
    }),
    capabilities: config.capabilities.flatMap(({ name, contract }, index) => {
      const options = capabilityOptions[index];
      return options === undefined ? [] : [{ name, contract: contractOf(contract), options }];
    }),
  };
}

/**
 * Whether a configuration's options and contracts are good; nothing is applied.
 * @throws {NodeError} as `prepareWork`.
 */
export function checkWork(config: NodeConfig): void {
  prepareWork(config, new Contracts());
}

/** True when applying `next` over `now` would change nothing. */
export function samePrepared(
  next: PreparedDemand | PreparedCapability,
  now: PreparedDemand | PreparedCapability,
): boolean {
  const sameContract = next.contract.work === now.contract.work;
  return sameContract && JSON.stringify(next.options) === JSON.stringify(now.options);
}

function checked<T>(resource: string, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof WorkError)) throw error;
    throw new NodeError("CONFIG_INVALID", `${resource}: ${error.message}`, { cause: error });
  }
}

/**
 * The complete options of a demand.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
function demandOptionsOf(config: DemandConfig): DemandOptions {
  const { lease, retry, queue } = config;
  return resolveDemandOptions({
    desiredProviders: config.desiredProviders,
    maxProviders: config.maxProviders,
    lease: {
      durationMs: msOf(lease?.duration),
      maxRuntimeMs: msOf(lease?.maxRuntime),
      progressTimeoutMs: msOf(lease?.progressTimeout),
    },
    retry: {
      maxAttempts: retry?.maxAttempts,
      backoff: {
        initialMs: msOf(retry?.backoff?.initial),
        maxMs: msOf(retry?.backoff?.max),
        factor: retry?.backoff?.factor,
      },
    },
    queue: {
      maxItems: queue?.maxItems,
      maxBytes: queue?.maxBytes === undefined ? undefined : Number(queue.maxBytes),
      overflow: queue?.overflow === Overflow.WAIT ? "wait" : "refuse",
    },
    deadLetter: retentionOf(config.deadLetter),
    retention: retentionOf(config.retention),
    paused: config.paused,
  });
}

/**
 * The complete options of a capability. With `deliver` the node's own deliverer pulls, so the pool
 * sees pulls either way.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
function capabilityOptionsOf(config: CapabilityConfig): CapabilityOptions {
  return resolveCapabilityOptions({
    concurrency: config.concurrency,
    maxDemands: config.maxDemands,
  });
}

/** A protobuf duration in ms, rounded; undefined stays undefined. */
export function msOf(duration: Duration | undefined): number | undefined {
  return duration === undefined
    ? undefined
    : Number(duration.seconds) * 1_000 + Math.round(duration.nanos / 1_000_000);
}

function retentionOf(retention: Retention | undefined): PartialDemandOptions["retention"] {
  return {
    maxItems: retention?.maxItems,
    maxBytes: retention?.maxBytes === undefined ? undefined : Number(retention.maxBytes),
    maxAgeMs: msOf(retention?.maxAge),
  };
}
