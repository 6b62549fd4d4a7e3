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
import { SharedTexts } from "./shared-texts.ts";
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

/** Namespaces, routes and ConfigMaps. */
const texts = new SharedTexts();

/** Metadata with the texts of the version before, where they are the same by their nature. */
class KeptMetadata implements CachedMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly labels = noWords;
  readonly annotations: CachedMetadata["annotations"];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;

  constructor(metadata: StoredMetadata, known: CachedMetadata | undefined) {
    const same = known?.uid === metadata.uid ? known : undefined;
    const { annotations, creationTimestamp, deletionTimestamp } = metadata;
    this.name = same?.name ?? metadata.name;
    this.namespace = same?.namespace ?? texts.of(metadata.namespace);
    this.uid = same?.uid ?? metadata.uid;
    this.resourceVersion = metadata.resourceVersion;
    this.generation = metadata.generation;
    this.annotations = Object.keys(annotations).length === 0 ? noWords : annotations;
    const madeAt = same?.creationTimestamp ?? creationTimestamp;
    if (madeAt !== undefined) this.creationTimestamp = madeAt;
    if (deletionTimestamp !== undefined) this.deletionTimestamp = deletionTimestamp;
  }
}

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
  const kind = "Demand";
  if (known?.kept !== undefined && isSameSpec(metadata, known)) {
    const shown = packed(demandPackers.status, readDemandStatus(object.status), known);
    return { kind, metadata: nextMetadata(metadata, known), kept: known.kept, shown };
  }
  const read = readDemand({ ...object, apiVersion, kind, metadata });
  const facts = read.ok ? factsOf(read.resource, undefined) : undefined;
  const kept = keptSpec(demandPackers.judged, read, { facts, known });
  const shown = packed(demandPackers.status, read.resource.status, known);
  return { kind, metadata: new KeptMetadata(read.resource.metadata, known?.metadata), kept, shown };
}

/** Keeps of a Capability what is read of it; as `keepDemand`. */
export function keepCapability(
  object: Incoming<CachedCapability>,
  known?: CachedCapability,
): CachedCapability {
  const metadata = slimMetadata(object.metadata);
  const kind = "Capability";
  if (known?.kept !== undefined && isSameSpec(metadata, known)) {
    const shown = packed(capabilityPackers.status, readCapabilityStatus(object.status), known);
    return { kind, metadata: nextMetadata(metadata, known), kept: known.kept, shown };
  }
  const read = readCapability({ ...object, apiVersion, kind, metadata });
  const facts = read.ok ? factsOf(read.resource, targetOf(read.resource)) : undefined;
  const kept = keptSpec(capabilityPackers.judged, read, { facts, known });
  const shown = packed(capabilityPackers.status, read.resource.status, known);
  return { kind, metadata: new KeptMetadata(read.resource.metadata, known?.metadata), kept, shown };
}

/** A generation has one spec: a version of the one that is kept is not read again. */
function isSameSpec(
  { uid, generation }: ObjectMeta,
  known: { readonly metadata: CachedMetadata },
): boolean {
  return known.metadata.uid === uid && known.metadata.generation === generation;
}

function nextMetadata(metadata: ObjectMeta, known: { readonly metadata: CachedMetadata }) {
  const { resourceVersion = "", annotations = noWords } = metadata;
  // What does not change is taken of the version before; an end that is set once stays set.
  const next = { ...known.metadata, ...metadata, resourceVersion, annotations };
  return new KeptMetadata(next, known.metadata);
}

function packed<Status>(
  packer: Packer<Status>,
  status: Status | undefined,
  known: { readonly shown?: Packed<Status> | undefined } | undefined,
): Packed<Status> | undefined {
  return status === undefined ? undefined : packer.pack(status, known?.shown);
}

/** What is the same as in the version before is not kept twice. */
function keptSpec<Resource extends { readonly spec: unknown }>(
  packer: Packer<Judged<Resource["spec"]>>,
  read: ReadStored<Resource>,
  {
    facts,
    known,
  }: {
    readonly facts: SpecFacts | undefined;
    readonly known: { readonly kept?: KeptSpec<Resource["spec"]> } | undefined;
  },
): KeptSpec<Resource["spec"]> {
  const judged = packer.pack(
    read.ok ? { ok: true, spec: read.resource.spec } : { ok: false, refusals: read.refusals },
    known?.kept?.judged,
  );
  return known?.kept?.judged === judged ? known.kept : { judged, facts };
}

function factsOf(
  resource: StoredDemand | StoredCapability,
  target: TargetPlace | undefined,
): SpecFacts {
  const { kind, metadata, spec } = resource;
  const { configMapRef } = spec.contract.schema;
  return {
    selector: spec.selector,
    route: texts.of(routeOf(resource)),
    contractMap: configMapRef && texts.of(`${metadata.namespace}/${configMapRef.name}`),
    scaleTarget: target && texts.of(scaleTargetOf(target)),
    desiredProviders: kind === "Demand" ? resource.spec.desiredProviders : undefined,
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
