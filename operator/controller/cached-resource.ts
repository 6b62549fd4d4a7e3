/** Demands and Capabilities in the caches: read once, when they come. */
import { type ApiObject, type ResourceType, resourceType } from "../runtime/index.ts";
import {
  apiGroup,
  apiVersion,
  readCapability,
  readDemand,
  type ReadStored,
  type StoredCapability,
  type StoredDemand,
} from "../schema/index.ts";
import { slimMetadata } from "./slim-metadata.ts";

/** A resource of ours: read once, when it comes; what it was read from is dropped. */
export interface CachedResource<T extends StoredDemand | StoredCapability> extends ApiObject {
  /** Absent only before the cache took it in. */
  readonly read?: ReadStored<T>;
}

/** A Demand in the cache. */
export type CachedDemand = CachedResource<StoredDemand>;

/** A Capability in the cache. */
export type CachedCapability = CachedResource<StoredCapability>;

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

/** Keeps of a Demand what is read of it. */
export function slimDemand(object: CachedDemand): CachedDemand {
  const metadata = slimMetadata(object.metadata);
  return { metadata, read: readDemand({ ...object, apiVersion, kind: "Demand", metadata }) };
}

/** Keeps of a Capability what is read of it. */
export function slimCapability(object: CachedCapability): CachedCapability {
  const metadata = slimMetadata(object.metadata);
  return {
    metadata,
    read: readCapability({ ...object, apiVersion, kind: "Capability", metadata }),
  };
}

/** The resource as it was read when it came. */
export function readOf<T extends StoredDemand | StoredCapability>(
  object: CachedResource<T>,
): ReadStored<T> {
  if (object.read === undefined) throw new Error(`${object.metadata.name} was not read`);
  return object.read;
}
