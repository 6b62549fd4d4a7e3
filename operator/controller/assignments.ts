/**
 * Which Demands and Capabilities select a pod, told to the control stream. A pod is told of nothing
 * before everything that may select it was looked at: what a new leader has not looked at yet must
 * not seem to be gone, since a sidecar drops the queue of a Demand that is. What was looked at and
 * cannot be told is named as kept: sidecars leave what they hold of it as it is.
 */
import {
  type DescriptorSetBytes,
  type DesiredCapability,
  desiredCapability,
  type DesiredDemand,
  desiredDemand,
  keptCapability,
  keptDemand,
  type ResolvedResource,
  type UnresolvedResource,
} from "../control/index.ts";
import type { Capability, Demand, StoredMetadata } from "../schema/index.ts";
import type { CachedCapability, CachedDemand, KeptSpec } from "./cached-resource.ts";
import type { CachedPod } from "./cluster-objects.ts";
import { assignedPod, isSelected } from "./pod-view.ts";
import type { Sidecars } from "./ports.ts";
import type { World } from "./world.ts";

/** What assignments work with. */
export interface AssignmentsComponents {
  readonly world: Pick<World, "demandsSelecting" | "capabilitiesOf" | "unreadIn">;
  readonly sidecars: Pick<Sidecars, "assign">;
}

/** Unreadable resources of a namespace, at most; with more of them no pod of it is told. */
const maxUnread = 1_024;

/** A resource was looked at. What its pods get is made when the first pod is to get it. */
interface Decided<Resource extends Demand | Capability, Desired> {
  readonly names: Pick<StoredMetadata, "uid" | "namespace" | "name" | "generation">;
  readonly spec: KeptSpec<Resource["spec"]>;
  /** Undefined: sidecars leave what they hold. */
  readonly set: DescriptorSetBytes | undefined;
  made: Desired | undefined;
}

/** Resources of a kind by uid; `unread`: it never could be read. */
type All<Resource extends Demand | Capability, Desired> = Map<
  string,
  Decided<Resource, Desired> | "unread"
>;

/** How a kind is made. */
interface Making<Resource extends Demand | Capability, Desired> {
  readonly told: (resource: ResolvedResource<Resource>) => Desired;
  readonly kept: (resource: UnresolvedResource<Resource>) => Desired;
}

/** What is served of each resource, and to whom. */
export class Assignments {
  readonly #components: AssignmentsComponents;
  readonly #demands: All<Demand, DesiredDemand> = new Map();
  readonly #capabilities: All<Capability, DesiredCapability> = new Map();

  constructor(components: AssignmentsComponents) {
    this.#components = components;
  }

  /** Whether this process has told a resource. */
  serves(uid: string): boolean {
    const decided = this.#demands.get(uid) ?? this.#capabilities.get(uid);
    return decided !== undefined && decided !== "unread" && decided.set !== undefined;
  }

  /**
   * A resource is served with these descriptors; undefined: as before, also by sidecars that an
   * operator before this one told of it.
   * @returns whether its pods are to be told. What could not be read is told nothing.
   */
  decide(object: CachedDemand | CachedCapability, set: DescriptorSetBytes | undefined): boolean {
    return object.kind === "Demand"
      ? decide(this.#demands, object, set)
      : decide(this.#capabilities, object, set);
  }

  /**
   * A resource whose spec cannot be read is served as before.
   * @returns whether the pods of its namespace are to be told: any of them may hold it.
   */
  decideUnread(kind: "Demand" | "Capability", uid: string): boolean {
    const all = kind === "Demand" ? this.#demands : this.#capabilities;
    if (all.has(uid)) return false;
    all.set(uid, "unread");
    return true;
  }

  /** A resource is gone. */
  forget(uid: string): void {
    this.#demands.delete(uid);
    this.#capabilities.delete(uid);
  }

  /** Tells the control stream what selects a pod, once all that may select it was looked at. */
  assign(pod: CachedPod): void {
    const { world, sidecars } = this.#components;
    const unread = world.unreadIn(pod.metadata.namespace ?? "");
    const demands = told(this.#demands, pod, {
      selecting: world.demandsSelecting(pod),
      unread: unread.demands,
      making: { told: desiredDemand, kept: keptDemand },
    });
    const capabilities = told(this.#capabilities, pod, {
      selecting: world.capabilitiesOf(pod),
      unread: unread.capabilities,
      making: { told: desiredCapability, kept: keptCapability },
    });
    if (demands === undefined || capabilities === undefined) return;
    const unreadUids = [...demands.unreadUids, ...capabilities.unreadUids];
    if (unreadUids.length > maxUnread) return;
    sidecars.assign({
      pod: assignedPod(pod),
      demands: demands.desired,
      capabilities: capabilities.desired,
      unreadUids,
    });
  }
}

/** Anything with a uid. */
interface Named {
  readonly metadata: { readonly uid: string };
}

/**
 * What a pod is told. A resource that cannot be read any more selects whom it selected when it
 * could be. Undefined while one of them was not looked at.
 */
function told<Resource extends Demand | Capability, Desired>(
  all: All<Resource, Desired>,
  pod: CachedPod,
  {
    selecting,
    unread,
    making,
  }: {
    readonly selecting: readonly Named[];
    readonly unread: readonly Named[];
    readonly making: Making<Resource, Desired>;
  },
) {
  const desired: Desired[] = [];
  const unreadUids: string[] = [];
  for (const it of [...selecting, ...unread]) {
    const { metadata } = it;
    const decided = all.get(metadata.uid);
    if (decided === undefined) return undefined;
    if (decided === "unread") unreadUids.push(metadata.uid);
    else if (selecting.includes(it) || selectedBefore(decided, pod)) {
      decided.made ??= make(decided, making);
      desired.push(decided.made);
    }
  }
  return { desired, unreadUids };
}

function selectedBefore({ spec }: Decided<Demand | Capability, unknown>, pod: CachedPod): boolean {
  return spec.facts !== undefined && isSelected(spec.facts.selector, pod);
}

function make<Resource extends Demand | Capability, Desired>(
  { names, spec, set }: Decided<Resource, Desired>,
  making: Making<Resource, Desired>,
): Desired {
  const judged = spec.judged.read();
  if (!judged.ok) throw new Error(`${names.name} was decided about and cannot be read`);
  const resource = { ...names, spec: judged.spec };
  return set === undefined
    ? making.kept(resource)
    : making.told({ ...resource, descriptorSet: set });
}

function decide<Resource extends Demand | Capability, Desired>(
  all: All<Resource, Desired>,
  {
    metadata,
    kept,
  }: { readonly metadata: StoredMetadata; readonly kept?: KeptSpec<Resource["spec"]> },
  set: DescriptorSetBytes | undefined,
): boolean {
  if (kept?.facts === undefined) return false;
  const { uid, generation, namespace, name } = metadata;
  const known = all.get(uid);
  const before = known === "unread" ? undefined : known;
  if (set === undefined && before?.set !== undefined) return false;
  const same = before !== undefined && before.set?.hash === set?.hash;
  if (same && before.names.generation === generation) return false;
  const names = { uid, generation, namespace, name };
  all.set(uid, { names, spec: kept, set, made: undefined });
  return true;
}
