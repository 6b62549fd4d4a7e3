/** Makes a sidecar's configuration from the folder's manifests. */
import { create, toJson } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { stringify } from "yaml";
import {
  type NodeConfig,
  NodeConfigSchema,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { capabilityConfig, type ConfigSource, demandConfig } from "../node-config/index.ts";
import { type Capability, type Demand, selects } from "../schema/index.ts";
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
    demands: demands.map((it) => demandConfig(sourceOf(it))),
    capabilities: capabilities.map((it) => capabilityConfig(sourceOf(it), place.port)),
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

function sourceOf<T extends Demand | Capability>(it: Resolved<T>): ConfigSource<T> {
  const { metadata, spec }: Pick<T, "metadata" | "spec"> = it.resource;
  return { name: metadata.name, spec, descriptorSetHash: it.descriptorSet.hash };
}
