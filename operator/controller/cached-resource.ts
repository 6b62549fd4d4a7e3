/**
 * Demands and Capabilities in the caches: read once, when they come, and kept as text, since
 * thousands of them are seldom looked at. What is asked of all of them at once stands beside it.
 */
import { routeOf } from "../reconcile/index.ts";
import {
  type ApiObject,
  type ObjectMeta,
  type ResourceType,
  resourceType,
} from "../runtime/index.ts";
import {
  apiGroup,
  apiVersion,
  type Capability,
  type CapabilityStatus,
  type Demand,
  type DemandStatus,
  type FieldRefusal,
  readCapability,
  readCapabilityStatus,
  readDemand,
  readDemandStatus,
  type ReadStored,
  type Selector,
  type Stored,
  type StoredCapability,
  type StoredDemand,
  type StoredMetadata,
} from "../schema/index.ts";
import { type Packed, Packer } from "./packed.ts";
import { targetOf, type TargetPlace } from "./scale-client.ts";
import { slimMetadata } from "./slim-metadata.ts";

/** Metadata of a stored resource, as both rooms know them. */
export type CachedMetadata = ObjectMeta &
  Omit<StoredMetadata, "creationTimestamp" | "deletionTimestamp">;

/** A resource of ours; what it was read from is dropped. */
export interface CachedResource<
  Kind extends string,
  Resource extends { readonly spec: unknown },
  Status,
> extends ApiObject {
  readonly kind: Kind;
  readonly metadata: CachedMetadata;
  /** Absent only before the cache took it in. */
  readonly kept?: KeptSpec<Resource["spec"]>;
  /** The status that it showed. */
  readonly shown?: Packed<Status> | undefined;
}

/** A Demand in the cache. */
export type CachedDemand = CachedResource<"Demand", Demand, DemandStatus>;

/** A Capability in the cache. */
export type CachedCapability = CachedResource<"Capability", Capability, CapabilityStatus>;

/** A spec, or what is wrong with it. */
type Judged<Spec> =
  | { readonly ok: true; readonly spec: Spec }
  | { readonly ok: false; readonly refusals: readonly FieldRefusal[] };

/** A spec, shared by the versions of an object that have the same. */
export interface KeptSpec<Spec> {
  readonly judged: Packed<Judged<Spec>>;
  /** Undefined: it cannot be read. */
  readonly facts: SpecFacts | undefined;
}

/** What is asked of many specs at once. */
export interface SpecFacts {
  readonly selector: Selector;
  readonly route: string;
  /** `namespace/name` of the ConfigMap that the contract refers to. */
  readonly contractMap: string | undefined;
  /** `namespace/kind/name` of what is scaled. */
  readonly scaleTarget: string | undefined;
  /** Of a Demand. */
  readonly desiredProviders: number | undefined;
}

const ours = { group: apiGroup, version: "v1alpha1", namespaced: true } as const;

/** Where Demands live. */
export const demands: ResourceType<CachedDemand> = resourceType<CachedDemand>({
  ...ours,
  plural: "demands",
  kind: "Demand",
});

/** Where Capabilities live. */
export const capabilities: ResourceType<CachedCapability> = resourceType<CachedCapability>({
  ...ours,
  plural: "capabilities",
  kind: "Capability",
});

const noWords: CachedMetadata["labels"] = {};

/** How specs and statuses look, of each kind. */
const demandPackers = {
  judged: new Packer<Judged<Demand["spec"]>>(),
  status: new Packer<DemandStatus>(),
};
const capabilityPackers = {
  judged: new Packer<Judged<Capability["spec"]>>(),
  status: new Packer<CapabilityStatus>(),
};

/** A resource as the API server gave it. */
type Incoming<Cached> = Cached & { readonly status?: unknown };

/** Keeps of a Demand what is read of it. @param known the version that is kept by now. */
export function keepDemand(object: Incoming<CachedDemand>, known?: CachedDemand): CachedDemand {
  const metadata = slimMetadata(object.metadata);
  const same = sameSpec(metadata, known);
  if (same !== undefined) {
    const status = readDemandStatus(object.status);
    return { ...same, shown: status && demandPackers.status.pack(status, known?.shown) };
  }
  const read = readDemand({ ...object, apiVersion, kind: "Demand", metadata });
  const facts = read.ok ? demandFacts(read.resource) : undefined;
  return { kind: "Demand", ...keep(read, { facts, known, ...demandPackers }) };
}

/** Keeps of a Capability what is read of it; as `keepDemand`. */
export function keepCapability(
  object: Incoming<CachedCapability>,
  known?: CachedCapability,
): CachedCapability {
  const metadata = slimMetadata(object.metadata);
  const same = sameSpec(metadata, known);
  if (same !== undefined) {
    const status = readCapabilityStatus(object.status);
    return { ...same, shown: status && capabilityPackers.status.pack(status, known?.shown) };
  }
  const read = readCapability({ ...object, apiVersion, kind: "Capability", metadata });
  const facts = read.ok ? capabilityFacts(read.resource) : undefined;
  return { kind: "Capability", ...keep(read, { facts, known, ...capabilityPackers }) };
}

/** A generation has one spec: a version of the one that is kept is not read again. */
function sameSpec<Cached extends CachedDemand | CachedCapability>(
  metadata: ObjectMeta,
  known: Cached | undefined,
): Cached | undefined {
  const { uid, generation, resourceVersion, deletionTimestamp } = metadata;
  const { annotations = noWords } = metadata;
  if (known === undefined || resourceVersion === undefined) return undefined;
  if (known.metadata.uid !== uid || known.metadata.generation !== generation) return undefined;
  // An end that is set once stays set.
  const ends = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  return { ...known, metadata: { ...known.metadata, resourceVersion, annotations, ...ends } };
}

function demandFacts(demand: StoredDemand): SpecFacts {
  const { desiredProviders } = demand.spec;
  return { ...factsOf(demand), desiredProviders, scaleTarget: undefined };
}

function capabilityFacts(capability: StoredCapability): SpecFacts {
  const target = targetOf(capability);
  const scaleTarget = target === undefined ? undefined : scaleTargetOf(target);
  return { ...factsOf(capability), desiredProviders: undefined, scaleTarget };
}

function factsOf(resource: StoredDemand | StoredCapability) {
  const { metadata, spec } = resource;
  const { configMapRef } = spec.contract.schema;
  return {
    selector: spec.selector,
    route: routeOf(resource),
    contractMap:
      configMapRef === undefined ? undefined : `${metadata.namespace}/${configMapRef.name}`,
  };
}

/** What is the same as in the version before is not kept twice. */
function keep<Resource extends { readonly spec: unknown }, Status>(
  read: ReadStored<Stored<Resource, Status>>,
  {
    facts,
    known,
    judged: specs,
    status: statuses,
  }: {
    readonly facts: SpecFacts | undefined;
    readonly known: CachedResource<string, Resource, Status> | undefined;
    readonly judged: Packer<Judged<Resource["spec"]>>;
    readonly status: Packer<Status>;
  },
) {
  const { metadata, status } = read.resource;
  const judged = specs.pack(
    read.ok ? { ok: true, spec: read.resource.spec } : { ok: false, refusals: read.refusals },
    known?.kept?.judged,
  );
  return {
    metadata: sameTexts(metadata, known?.metadata),
    kept: known?.kept?.judged === judged ? known.kept : { judged, facts },
    shown: status === undefined ? undefined : statuses.pack(status, known?.shown),
  };
}

/** Metadata with the texts of the version before, where they are the same by their nature. */
function sameTexts(metadata: StoredMetadata, known: CachedMetadata | undefined): CachedMetadata {
  const same = known?.uid === metadata.uid ? known : metadata;
  const { creationTimestamp } = same;
  const { resourceVersion, generation, deletionTimestamp, annotations } = metadata;
  return {
    name: same.name,
    namespace: same.namespace,
    uid: same.uid,
    resourceVersion,
    generation,
    labels: noWords,
    annotations: Object.keys(annotations).length === 0 ? noWords : annotations,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

/** A resource as it was read when it came, made anew with each call. */
export function readOf<Kind extends string, Resource extends { readonly spec: unknown }, Status>({
  kind,
  metadata,
  kept,
  shown,
}: CachedResource<Kind, Resource, Status>): ReadStored<
  Stored<Resource, Status> & { readonly kind: Kind }
> {
  if (kept === undefined) throw new Error(`${metadata.name} was not read`);
  const around = { kind, metadata, status: shown?.read() };
  const judged = kept.judged.read();
  return judged.ok
    ? { ok: true, resource: { ...around, spec: judged.spec } }
    : { ok: false, resource: around, refusals: judged.refusals };
}

/** The index value of a target. */
export function scaleTargetOf({ namespace, kind, name }: TargetPlace): string {
  return `${namespace}/${kind}/${name}`;
}
