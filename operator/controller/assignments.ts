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
} from "../control/index.ts";
import type { StoredCapability, StoredDemand } from "../schema/index.ts";
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

/** A resource was looked at. */
type Decided<Desired> =
  | {
      /** `told`: made whole. `kept`: sidecars leave what they hold. */
      readonly type: "told" | "kept";
      readonly desired: Desired;
      readonly selector: StoredDemand["spec"]["selector"];
      readonly generation: number;
      /** Of the descriptor set; empty for `kept`. */
      readonly hash: string;
    }
  /** It never could be read. */
  | { readonly type: "unread" };

type All<Desired> = Map<string, Decided<Desired>>;

/** What is served of each resource, and to whom. */
export class Assignments {
  readonly #components: AssignmentsComponents;
  readonly #demands: All<DesiredDemand> = new Map();
  readonly #capabilities: All<DesiredCapability> = new Map();

  constructor(components: AssignmentsComponents) {
    this.#components = components;
  }

  /** Whether this process has told a resource. */
  serves(uid: string): boolean {
    const decided = this.#demands.get(uid) ?? this.#capabilities.get(uid);
    return decided?.type === "told";
  }

  /**
   * A resource is served with these descriptors; undefined: as before, also by sidecars that an
   * operator before this one told of it.
   * @returns whether its pods are to be told.
   */
  decide(resource: StoredDemand | StoredCapability, set: DescriptorSetBytes | undefined): boolean {
    const names = namesOf(resource);
    if (resource.kind === "Demand") {
      const as = { ...names, spec: resource.spec };
      const make = () =>
        set === undefined ? keptDemand(as) : desiredDemand({ ...as, descriptorSet: set });
      return decide(this.#demands, resource, { hash: set?.hash, make });
    }
    const as = { ...names, spec: resource.spec };
    const make = () =>
      set === undefined ? keptCapability(as) : desiredCapability({ ...as, descriptorSet: set });
    return decide(this.#capabilities, resource, { hash: set?.hash, make });
  }

  /**
   * A resource whose spec cannot be read is served as before.
   * @returns whether the pods of its namespace are to be told: any of them may hold it.
   */
  decideUnread(kind: "Demand" | "Capability", uid: string): boolean {
    const all = kind === "Demand" ? this.#demands : this.#capabilities;
    if (all.has(uid)) return false;
    all.set(uid, { type: "unread" });
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
    });
    const capabilities = told(this.#capabilities, pod, {
      selecting: world.capabilitiesOf(pod),
      unread: unread.capabilities,
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
function told<Desired>(
  all: All<Desired>,
  pod: CachedPod,
  {
    selecting,
    unread,
  }: { readonly selecting: readonly Named[]; readonly unread: readonly Named[] },
) {
  const desired: Desired[] = [];
  const unreadUids: string[] = [];
  for (const it of [...selecting, ...unread]) {
    const { metadata } = it;
    const decided = all.get(metadata.uid);
    if (decided === undefined) return undefined;
    if (decided.type === "unread") unreadUids.push(metadata.uid);
    else if (selecting.includes(it) || isSelected(decided.selector, pod)) {
      desired.push(decided.desired);
    }
  }
  return { desired, unreadUids };
}

function decide<Desired>(
  all: All<Desired>,
  { metadata, spec }: StoredDemand | StoredCapability,
  { hash, make }: { readonly hash: string | undefined; readonly make: () => Desired },
): boolean {
  const { uid, generation } = metadata;
  const before = all.get(uid);
  if (hash === undefined && before?.type === "told") return false;
  const next = { generation, hash: hash ?? "", selector: spec.selector };
  const same = before !== undefined && before.type !== "unread" && before.hash === next.hash;
  if (same && before.generation === generation) return false;
  all.set(uid, { type: hash === undefined ? "kept" : "told", desired: make(), ...next });
  return true;
}

function namesOf({ metadata }: StoredDemand | StoredCapability) {
  const { uid, generation, namespace, name } = metadata;
  return { uid, generation, namespace, name };
}
