/** A Demand or a Capability as a sidecar's configuration states it. */
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CapabilityConfig,
  CapabilityConfigSchema,
  type DemandConfig,
  DemandConfigSchema,
  Overflow,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type Capability,
  type Contract,
  type Demand,
  durationMs,
  quantityBytes,
} from "../schema/index.ts";

/** A resource, from a manifest or from the API server, and where its messages are described. */
export interface ConfigSource<T extends Demand | Capability> {
  /** metadata.name */
  readonly name: string;
  readonly spec: T["spec"];
  /** Hash of the DescriptorSet that holds request and response: SHA-256, hex. */
  readonly descriptorSetHash: string;
}

/** Makes the configuration of a queue; every field is stated, nothing is left to a default. */
export function demandConfig(source: ConfigSource<Demand>): DemandConfig {
  const { spec } = source;
  const { lease, retry, queue, deadLetter, retention } = spec;
  return create(DemandConfigSchema, {
    name: source.name,
    contract: contractOf(spec.contract, source.descriptorSetHash),
    desiredProviders: spec.desiredProviders,
    maxProviders: spec.maxProviders,
    lease: {
      duration: duration(lease.duration),
      maxRuntime: duration(lease.maxRuntime),
      ...(lease.progressTimeout === undefined
        ? {}
        : { progressTimeout: duration(lease.progressTimeout) }),
    },
    retry: {
      maxAttempts: retry.maxAttempts,
      backoff: {
        initial: duration(retry.backoff.initial),
        max: duration(retry.backoff.max),
        factor: retry.backoff.factor,
      },
    },
    queue: {
      maxItems: queue.maxItems,
      maxBytes: bytes(queue.maxBytes),
      overflow: queue.overflow === "Wait" ? Overflow.WAIT : Overflow.REFUSE,
    },
    deadLetter: { maxItems: deadLetter.maxItems, maxAge: duration(deadLetter.maxAge) },
    retention: {
      maxItems: retention.maxItems,
      maxBytes: bytes(retention.maxBytes),
      maxAge: duration(retention.maxAge),
    },
    paused: spec.paused,
  });
}

/**
 * Makes the configuration of work that an application can do.
 * @param source the resource.
 * @param port where the application listens for what is pushed, if not at `deliver.port`: on one
 *   machine each replica has a port of its own.
 */
export function capabilityConfig(
  source: ConfigSource<Capability>,
  port?: number,
): CapabilityConfig {
  const { spec } = source;
  const { deliver } = spec;
  return create(CapabilityConfigSchema, {
    name: source.name,
    contract: contractOf(spec.contract, source.descriptorSetHash),
    concurrency: spec.concurrency,
    maxDemands: spec.maxDemands,
    ...(deliver === undefined
      ? {}
      : {
          deliver: {
            port: port ?? deliver.port,
            path: deliver.path,
            readyPath: deliver.readyPath ?? "",
          },
        }),
  });
}

function contractOf({ request, response }: Contract, descriptorSetHash: string) {
  return { request, response, descriptorSet: descriptorSetHash };
}

function duration(text: string) {
  return durationFromMs(durationMs(text));
}

function bytes(text: string): bigint {
  return BigInt(quantityBytes(text));
}
