/**
 * Which Demands and Capabilities select a pod, told to the control stream. A pod is told of nothing
 * before everything that selects it was looked at: what a new leader has not looked at yet must not
 * seem to be gone, since a sidecar drops the queue of a Demand that is.
 */
import type { DescriptorSetBytes, DesiredCapability, DesiredDemand } from "../control/index.ts";
import { desiredCapability, desiredDemand } from "../control/index.ts";
import type { StoredCapability, StoredDemand, StoredMetadata } from "../schema/index.ts";
import type { CachedPod } from "./cluster-objects.ts";
import { assignedPod } from "./pod-view.ts";
import type { Sidecars } from "./ports.ts";
import type { World } from "./world.ts";

/** What assignments work with. */
export interface AssignmentsComponents {
  readonly world: Pick<World, "demandsSelecting" | "capabilitiesOf">;
  readonly sidecars: Pick<Sidecars, "assign">;
}

/** A resource was looked at: it is served, or there is nothing (yet) to serve of it. */
interface Decided<Desired> {
  readonly made: Made<Desired> | undefined;
}

/** What is served, and what it was made of. */
interface Made<Desired> {
  readonly desired: Desired;
  readonly generation: number;
  readonly hash: string;
}

/** What is served of each resource, and to whom. */
export class Assignments {
  readonly #components: AssignmentsComponents;
  readonly #demands = new Map<string, Decided<DesiredDemand>>();
  readonly #capabilities = new Map<string, Decided<DesiredCapability>>();

  constructor(components: AssignmentsComponents) {
    this.#components = components;
  }

  /** Whether something is served of a resource. */
  serves(uid: string): boolean {
    const decided = this.#demands.get(uid) ?? this.#capabilities.get(uid);
    return decided?.made !== undefined;
  }

  /**
   * A Demand is served with these descriptors; undefined: as before, or not at all.
   * @returns whether its pods are to be told.
   */
  decideDemand(demand: StoredDemand, descriptorSet: DescriptorSetBytes | undefined): boolean {
    const make = (set: DescriptorSetBytes): DesiredDemand =>
      desiredDemand({ ...namesOf(demand), spec: demand.spec, descriptorSet: set });
    return decide(this.#demands, demand.metadata, { descriptorSet, make });
  }

  /** A Capability; as `decideDemand`. */
  decideCapability(
    capability: StoredCapability,
    descriptorSet: DescriptorSetBytes | undefined,
  ): boolean {
    const make = (set: DescriptorSetBytes): DesiredCapability =>
      desiredCapability({ ...namesOf(capability), spec: capability.spec, descriptorSet: set });
    return decide(this.#capabilities, capability.metadata, { descriptorSet, make });
  }

  /** A resource whose spec cannot be read is served as before, or not at all. */
  decideUnread(kind: "Demand" | "Capability", uid: string): void {
    if (kind === "Demand") this.#demands.set(uid, { made: this.#demands.get(uid)?.made });
    else this.#capabilities.set(uid, { made: this.#capabilities.get(uid)?.made });
  }

  /** A resource is gone. */
  forget(uid: string): void {
    this.#demands.delete(uid);
    this.#capabilities.delete(uid);
  }

  /** Tells the control stream what selects a pod, once all of it was looked at. */
  assign(pod: CachedPod): void {
    const { world, sidecars } = this.#components;
    const demands = world
      .demandsSelecting(pod)
      .map(({ metadata }) => this.#demands.get(metadata.uid));
    const capabilities = world
      .capabilitiesOf(pod)
      .map(({ metadata }) => this.#capabilities.get(metadata.uid));
    if ([...demands, ...capabilities].includes(undefined)) return;
    sidecars.assign({
      pod: assignedPod(pod),
      demands: demands.flatMap((it) => it?.made?.desired ?? []),
      capabilities: capabilities.flatMap((it) => it?.made?.desired ?? []),
    });
  }
}

function decide<Desired>(
  all: Map<string, Decided<Desired>>,
  { uid, generation }: StoredMetadata,
  of: {
    readonly descriptorSet: DescriptorSetBytes | undefined;
    readonly make: (set: DescriptorSetBytes) => Desired;
  },
): boolean {
  const before = all.get(uid);
  const { descriptorSet, make } = of;
  if (descriptorSet === undefined) {
    all.set(uid, { made: before?.made });
    return before === undefined;
  }
  const { hash } = descriptorSet;
  if (before?.made?.generation === generation && before.made.hash === hash) return false;
  all.set(uid, { made: { desired: make(descriptorSet), generation, hash } });
  return true;
}

function namesOf({ metadata }: StoredDemand | StoredCapability) {
  const { uid, generation, namespace, name } = metadata;
  return { uid, generation, namespace, name };
}
