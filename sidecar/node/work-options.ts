/** Configuration messages → options of the engines. Bounds were checked by `wire/node-config`. */
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type CapabilityConfig,
  type DemandConfig,
  Overflow,
  type Retention,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type CapabilityOptions,
  type DemandOptions,
  type PartialDemandOptions,
  resolveCapabilityOptions,
  resolveDemandOptions,
} from "../core/work/index.ts";

/**
 * The complete options of a demand.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
export function demandOptionsOf(config: DemandConfig): DemandOptions {
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
export function capabilityOptionsOf(config: CapabilityConfig): CapabilityOptions {
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
