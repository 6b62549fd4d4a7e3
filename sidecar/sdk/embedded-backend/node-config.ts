/** The program's objects as the configuration of its node. */
import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  type CapabilityConfigSchema,
  type DemandConfigSchema,
  type NodeConfig,
  NodeConfigSchema,
  Overflow,
} from "../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { MulticastSettings } from "../config.ts";
import type { CapabilitySpec, ContractSpec, DemandSpec } from "../work-backend.ts";
import type { EmbeddedSpecs } from "./embedded-node.ts";
import type { EmbeddedIdentity } from "./identity.ts";

/** Everything the node is told. */
export function nodeConfigOf(
  identity: EmbeddedIdentity,
  multicast: MulticastSettings,
  specs: EmbeddedSpecs,
): NodeConfig {
  const contracts = [...specs.demands, ...specs.capabilities].map(({ contract }) => contract);
  const sets = new Map(contracts.map((contract) => hashed(contract.descriptorSet())));
  return create(NodeConfigSchema, {
    ...identity.name,
    identity: { noCa: identity.authority === undefined },
    listeners: { peer: { host: "0.0.0.0", port: 0 } },
    discovery: {
      multicast: {
        ...(multicast.group === undefined ? {} : { group: multicast.group }),
        ...(multicast.port === undefined ? {} : { port: multicast.port }),
        interfaces: [...(multicast.interfaces ?? [])],
      },
    },
    demands: specs.demands.map(demandConfigOf),
    capabilities: specs.capabilities.map(capabilityConfigOf),
    descriptorSets: [...sets].map(([hash, content]) => ({ hash, content })),
  });
}

function demandConfigOf(spec: DemandSpec): MessageInitShape<typeof DemandConfigSchema> {
  const { settings } = spec;
  const { lease, retry, queue, deadLetter, retention } = settings;
  const progressTimeout = lease.progressTimeoutMs;
  return {
    name: spec.name,
    contract: contractOf(spec.contract),
    desiredProviders: settings.desiredProviders,
    maxProviders: settings.maxProviders,
    lease: {
      duration: durationOf(lease.durationMs),
      maxRuntime: durationOf(lease.maxRuntimeMs),
      ...(progressTimeout === undefined ? {} : { progressTimeout: durationOf(progressTimeout) }),
    },
    retry: {
      maxAttempts: retry.maxAttempts,
      backoff: {
        initial: durationOf(retry.backoff.initialMs),
        max: durationOf(retry.backoff.maxMs),
        factor: retry.backoff.factor,
      },
    },
    queue: {
      maxItems: queue.maxItems,
      maxBytes: BigInt(queue.maxBytes),
      overflow: queue.overflow === "wait" ? Overflow.WAIT : Overflow.REFUSE,
    },
    deadLetter: { maxItems: deadLetter.maxItems, maxAge: durationOf(deadLetter.maxAgeMs) },
    retention: {
      maxItems: retention.maxItems,
      maxBytes: BigInt(retention.maxBytes),
      maxAge: durationOf(retention.maxAgeMs),
    },
  };
}

function capabilityConfigOf(spec: CapabilitySpec): MessageInitShape<typeof CapabilityConfigSchema> {
  const { name, concurrency, maxDemands } = spec;
  return { name, contract: contractOf(spec.contract), concurrency, maxDemands };
}

function contractOf(contract: ContractSpec): {
  request: string;
  response: string;
  descriptorSet: string;
} {
  const { request, response } = contract;
  return { request, response, descriptorSet: hashed(contract.descriptorSet())[0] };
}

function hashed(content: Uint8Array): readonly [hash: string, content: Uint8Array] {
  return [createHash("sha256").update(content).digest("hex"), content];
}

function durationOf(valueMs: number): Duration {
  const seconds = Math.floor(valueMs / 1_000);
  const nanos = Math.round((valueMs - seconds * 1_000) * 1_000_000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}
