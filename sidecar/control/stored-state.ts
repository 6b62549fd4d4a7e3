/**
 * What is kept between two starts, as messages: who this sidecar is, the configuration, the peers,
 * and each descriptor set in a file of its own, since they are large and rarely change.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Message } from "@bufbuild/protobuf";
import {
  type ConfigDelta,
  ConfigDeltaSchema,
  type PeersDelta,
  PeersDeltaSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type DescriptorSet,
  DescriptorSetSchema,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type StoredIdentity,
  StoredIdentitySchema,
} from "../../proto/gen/spillway/control/v1/stored_pb.ts";
import type { HeldConfig, StoredConfig } from "../core/control/index.ts";
import type { Logger } from "../runtime/index.ts";
import type { StateFolder } from "./state-folder.ts";

const identityFile = "identity";
const configFile = "configuration";
const peersFile = "peers";
const setPrefix = "descriptors-";

/** What an earlier start left. */
export interface StoredState {
  readonly identity: StoredIdentity | undefined;
  readonly config: StoredConfig;
}

/** Reads and writes what is kept in a folder. */
export class StoredStates {
  readonly #folder: StateFolder;
  readonly #logger: Logger;
  readonly #setsWritten = new Set<string>();

  constructor(folder: StateFolder, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads everything; what is damaged is left out, with a line in the log. */
  async read(): Promise<StoredState> {
    const identity = await this.#read(identityFile, StoredIdentitySchema);
    const config = await this.#read(configFile, ConfigDeltaSchema);
    const peers = await this.#read(peersFile, PeersDeltaSchema);
    const descriptorSets: DescriptorSet[] = [];
    for (const name of await this.#folder.names()) {
      if (!name.startsWith(setPrefix)) continue;
      const set = await this.#read(name, DescriptorSetSchema);
      if (set === undefined) continue;
      descriptorSets.push(set);
      this.#setsWritten.add(set.hash);
    }
    return { identity, config: { config, peers, descriptorSets } };
  }

  /** Keeps who this sidecar is. */
  writeIdentity(identity: StoredIdentity): Promise<void> {
    return this.#write(identityFile, StoredIdentitySchema, identity);
  }

  /** Keeps the peers. */
  async writePeers(held: HeldConfig): Promise<void> {
    const peers: PeersDelta | undefined = held.wholePeers();
    if (peers !== undefined) await this.#write(peersFile, PeersDeltaSchema, peers);
  }

  /** Keeps the configuration, after the descriptor sets that it names; others go. */
  async writeConfig(held: HeldConfig): Promise<void> {
    const config: ConfigDelta | undefined = held.wholeConfig();
    if (config === undefined) return;
    const sets = held.descriptorSets();
    for (const set of sets) {
      if (this.#setsWritten.has(set.hash)) continue;
      this.#setsWritten.add(set.hash);
      await this.#write(`${setPrefix}${set.hash}`, DescriptorSetSchema, set);
    }
    await this.#write(configFile, ConfigDeltaSchema, config);
    const wanted = new Set(sets.map(({ hash }) => hash));
    for (const hash of [...this.#setsWritten]) {
      if (wanted.has(hash)) continue;
      this.#setsWritten.delete(hash);
      await this.#folder.remove(`${setPrefix}${hash}`);
    }
  }

  async #read<T extends Message>(name: string, schema: GenMessage<T>): Promise<T | undefined> {
    const file = await this.#folder.read(name);
    if (!file.found) {
      if (file.damage !== undefined) this.#ignored(name, file.damage);
      return undefined;
    }
    try {
      return fromBinary(schema, file.content);
    } catch (error) {
      this.#ignored(name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #ignored(file: string, reason: string): void {
    this.#logger.warn({ file, reason }, "a file of the state folder is ignored");
  }

  async #write<T extends Message>(name: string, schema: GenMessage<T>, message: T) {
    try {
      await this.#folder.write(name, toBinary(schema, message));
    } catch (error) {
      // Without it a restart has to wait for the operator; the running sidecar lacks nothing.
      this.#logger.error({ file: name, err: error }, "the state cannot be kept for a restart");
    }
  }
}
