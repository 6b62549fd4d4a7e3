/**
 * Makes a sidecar's configuration from the folder's manifests; the cluster's operator will use the
 * same.
 */
import { create, toJson } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { stringify } from "yaml";
import {
  type CapabilityConfig,
  CapabilityConfigSchema,
  type DemandConfig,
  DemandConfigSchema,
  type NodeConfig,
  NodeConfigSchema,
  Overflow,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type Capability,
  type Demand,
  durationMs,
  quantityBytes,
  selects,
} from "../schema/index.ts";
import type { Resolved } from "./contracts.ts";
import type { LoadedManifests } from "./load-folder.ts";

/** What is this replica's own. */
export interface ReplicaPlace {
  /** `PROGRAM-REPLICA.HASH8`. */
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Port of the program; undefined when it has none. */
  readonly port: number | undefined;
  /** Files and sockets, absolute. */
  readonly paths: ReplicaPaths;
}

/** Where the files of a replica lie. */
export interface ReplicaPaths {
  readonly configFile: string;
  readonly stateFolder: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  readonly caFile: string;
  readonly clusterKeyFile: string;
  readonly appSocket: string;
  readonly readyFile: string;
}

/**
 * A drain may take this long. Short, since a person waits: Ctrl-C ends within 10 s together with
 * the programs' own end (2 s) and the sidecars' (2 s).
 */
export const drainGraceMs = 4_000;

const loopback = "127.0.0.1";

/**
 * Makes the configuration of one replica's sidecar: what the selectors of the manifests give it.
 */
export function nodeConfigOf(manifests: LoadedManifests, place: ReplicaPlace): NodeConfig {
  const { folder } = manifests;
  const demands = manifests.demands.filter((it) => isSelected(it, place));
  const capabilities = manifests.capabilities.filter((it) => isSelected(it, place));
  const { paths } = place;
  return create(NodeConfigSchema, {
    clusterId: folder.clusterId,
    namespace: folder.namespace,
    nodeId: place.nodeId,
    stateFolder: paths.stateFolder,
    identity: {
      certificateFile: paths.certificateFile,
      privateKeyFile: paths.privateKeyFile,
      caFile: paths.caFile,
      clusterKeyFile: paths.clusterKeyFile,
    },
    listeners: {
      peer: { host: loopback, port: 0 },
      appSocket: paths.appSocket,
      admin: { host: loopback, port: 0 },
      ops: { host: loopback, port: 0 },
      readyFile: paths.readyFile,
    },
    // The group and port may be every folder's: clusters differ by id and key.
    discovery: { multicast: { interfaces: [loopback] }, advertiseAddresses: [loopback] },
    demands: demands.map(demandConfig),
    capabilities: capabilities.map((it) => capabilityConfig(it, place.port)),
    descriptorSets: descriptorSets([...demands, ...capabilities]),
    drainGrace: durationFromMs(drainGraceMs),
  });
}

/** Writes a configuration as the sidecar reads it: the protobuf JSON mapping, as YAML. */
export function nodeConfigYaml(config: NodeConfig): string {
  return stringify(toJson(NodeConfigSchema, config), { lineWidth: 0 });
}

function isSelected(it: Resolved<Demand | Capability>, { labels }: ReplicaPlace): boolean {
  return selects(it.resource.spec.selector, labels);
}

function descriptorSets(list: readonly Resolved<Demand | Capability>[]) {
  const byHash = new Map(list.map(({ descriptorSet }) => [descriptorSet.hash, descriptorSet]));
  return [...byHash.values()];
}

function contractOf({ resource, descriptorSet }: Resolved<Demand | Capability>) {
  const { request, response } = resource.spec.contract;
  return { request, response, descriptorSet: descriptorSet.hash };
}

function demandConfig(it: Resolved<Demand>): DemandConfig {
  const { spec, metadata } = it.resource;
  const { lease, retry, queue, deadLetter, retention } = spec;
  return create(DemandConfigSchema, {
    name: metadata.name,
    contract: contractOf(it),
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

/** @param port the replica's own: `deliver.port` stands for the first one's. */
function capabilityConfig(it: Resolved<Capability>, port: number | undefined): CapabilityConfig {
  const { spec, metadata } = it.resource;
  const { deliver } = spec;
  return create(CapabilityConfigSchema, {
    name: metadata.name,
    contract: contractOf(it),
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

function duration(text: string) {
  return durationFromMs(durationMs(text));
}

function bytes(text: string): bigint {
  return BigInt(quantityBytes(text));
}
