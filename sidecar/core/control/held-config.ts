/**
 * What the operator has told so far: demands and capabilities by uid, descriptor sets by hash,
 * peers by node id, whom to trust. Deltas are put together here, and nothing is judged: whether a
 * resource can be taken over is found out when it is.
 */
import { create } from "@bufbuild/protobuf";
import {
  type CapabilityEntry,
  type ConfigDelta,
  ConfigDeltaSchema,
  type DemandEntry,
  type Peer,
  type PeersDelta,
  PeersDeltaSchema,
  type Version,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { DescriptorSet } from "../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { controlLimits } from "./control-limits.ts";

/**
 * What became of a delta.
 * - `taken`: it is in what is held.
 * - `old`: its number is not above the one held; nothing changed.
 * - `gap`: it changes a version that is not held, or says none; nothing changed.
 */
export type Taken = "taken" | "old" | "gap";

/** What a sidecar begins with after a restart. */
export interface StoredConfig {
  /** Everything, without `base`; undefined when nothing is stored. */
  readonly config?: ConfigDelta | undefined;
  readonly peers?: PeersDelta | undefined;
  readonly descriptorSets?: readonly DescriptorSet[];
}

/** By uid. */
type Entries<T> = Map<string, T>;

/** Everything that the operator told, put together. */
export class HeldConfig {
  readonly #demands: Entries<DemandEntry> = new Map();
  readonly #capabilities: Entries<CapabilityEntry> = new Map();
  readonly #sets = new Map<string, DescriptorSet>();
  readonly #peers = new Map<string, Peer>();
  #configVersion: Version | undefined;
  #peersVersion: Version | undefined;
  #trustBundle = "";
  #announcementKey: Uint8Array = new Uint8Array();

  constructor(stored: StoredConfig = {}) {
    for (const set of stored.descriptorSets ?? []) this.takeDescriptorSet(set);
    if (stored.config !== undefined) this.takeConfig(stored.config);
    if (stored.peers !== undefined) this.takePeers(stored.peers);
  }

  /** Undefined before the first delta. */
  get configVersion(): Version | undefined {
    return this.#configVersion;
  }

  /** Undefined before the first delta. */
  get peersVersion(): Version | undefined {
    return this.#peersVersion;
  }

  /** PEM of one authority or more; empty before the first delta. */
  get trustBundle(): string {
    return this.#trustBundle;
  }

  /** 32 bytes, a secret; empty before the first delta. */
  get announcementKey(): Uint8Array {
    return this.#announcementKey;
  }

  demands(): readonly DemandEntry[] {
    return [...this.#demands.values()];
  }

  capabilities(): readonly CapabilityEntry[] {
    return [...this.#capabilities.values()];
  }

  descriptorSets(): readonly DescriptorSet[] {
    return [...this.#sets.values()];
  }

  peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** @returns false when there are too many; nothing changed then. */
  takeDescriptorSet(set: DescriptorSet): boolean {
    if (this.#sets.size >= controlLimits.descriptorSets && !this.#sets.has(set.hash)) return false;
    this.#sets.set(set.hash, set);
    return true;
  }

  /** Puts a delta of the configuration in; descriptor sets that nothing names any more go. */
  takeConfig(delta: ConfigDelta): Taken {
    const taken = judge(delta, this.#configVersion);
    if (taken !== "taken") return taken;
    if (delta.base === undefined) {
      const kept = new Set(delta.kept);
      clearBut(this.#demands, kept);
      clearBut(this.#capabilities, kept);
    }
    for (const uid of delta.removed) {
      this.#demands.delete(uid);
      this.#capabilities.delete(uid);
    }
    for (const entry of delta.demands) put(this.#demands, entry);
    for (const entry of delta.capabilities) put(this.#capabilities, entry);
    if (delta.trustBundle !== undefined) this.#trustBundle = delta.trustBundle.pem;
    if (delta.announcementKey.length > 0) this.#announcementKey = delta.announcementKey;
    this.#configVersion = delta.version;
    this.#dropUnnamedSets();
    return "taken";
  }

  /** Puts a delta of the peers in; those beyond the bound are left out. */
  takePeers(delta: PeersDelta): Taken {
    const taken = judge(delta, this.#peersVersion);
    if (taken !== "taken") return taken;
    if (delta.base === undefined) this.#peers.clear();
    for (const nodeId of delta.removed) this.#peers.delete(nodeId);
    for (const peer of delta.peers) {
      const isNew = !this.#peers.has(peer.nodeId);
      if (isNew && this.#peers.size >= controlLimits.peers) continue;
      this.#peers.set(peer.nodeId, peer);
    }
    this.#peersVersion = delta.version;
    return "taken";
  }

  /** Says that no version is held, so that everything comes anew; what is in force stays. */
  forgetVersions(): void {
    this.#configVersion = undefined;
    this.#peersVersion = undefined;
  }

  /** The whole configuration as one delta; undefined before the first. */
  wholeConfig(): ConfigDelta | undefined {
    if (this.#configVersion === undefined) return undefined;
    return create(ConfigDeltaSchema, {
      version: this.#configVersion,
      demands: [...this.#demands.values()],
      capabilities: [...this.#capabilities.values()],
      trustBundle: { pem: this.#trustBundle },
      announcementKey: this.#announcementKey,
    });
  }

  /** All peers as one delta; undefined before the first. */
  wholePeers(): PeersDelta | undefined {
    if (this.#peersVersion === undefined) return undefined;
    return create(PeersDeltaSchema, { version: this.#peersVersion, peers: this.peers().slice() });
  }

  #dropUnnamedSets(): void {
    const entries = [...this.#demands.values(), ...this.#capabilities.values()];
    const named = new Set(entries.map(({ config }) => config?.contract?.descriptorSet));
    for (const hash of [...this.#sets.keys()]) if (!named.has(hash)) this.#sets.delete(hash);
  }
}

/** @returns whether both are the same configuration, told by the same count. */
export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.number === b.number &&
    a.digest.length === b.digest.length &&
    a.digest.every((byte, index) => byte === b.digest[index])
  );
}

function judge(
  delta: { readonly base?: Version | undefined; readonly version?: Version | undefined },
  held: Version | undefined,
): Taken {
  if (delta.version === undefined) return "gap";
  if (held !== undefined && delta.version.number <= held.number) return "old";
  return delta.base === undefined || sameVersion(delta.base, held) ? "taken" : "gap";
}

function clearBut(entries: Entries<unknown>, kept: ReadonlySet<string>): void {
  for (const uid of [...entries.keys()]) if (!kept.has(uid)) entries.delete(uid);
}

function put<T extends { readonly resource?: { readonly uid: string } | undefined }>(
  entries: Entries<T>,
  entry: T,
): void {
  const uid = entry.resource?.uid ?? "";
  if (uid !== "") entries.set(uid, entry);
}
