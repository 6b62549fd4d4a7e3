/**
 * The objects that the operator keeps copies of, cut down to what is read of them: memory must not
 * grow with what others write into theirs.
 */
import { annotations, podDeletionCost } from "../manifests/index.ts";
import {
  type ApiObject,
  type ObjectMeta,
  type ResourceType,
  resourceType,
} from "../runtime/index.ts";
import {
  apiGroup,
  apiVersion,
  readCapability,
  readDemand,
  type ReadStored,
  type StoredCapability,
  type StoredDemand,
} from "../schema/index.ts";

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

/** A pod, cut down. */
export interface CachedPod extends ApiObject {
  readonly status?: {
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: { readonly running?: unknown; readonly terminated?: unknown };
}

/** Where pods live. */
export const pods: ResourceType<CachedPod> = resourceType<CachedPod>({
  group: "",
  version: "v1",
  plural: "pods",
  kind: "Pod",
  namespaced: true,
});

/** Keeps of a pod what is read of it. */
export function slimPod({ metadata, status }: CachedPod): CachedPod {
  const cost = metadata.annotations?.[podDeletionCost];
  const slim = {
    ...slimMetadata(metadata),
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    annotations: cost === undefined ? {} : { [podDeletionCost]: cost },
  };
  if (status === undefined) return { metadata: slim };
  const ran = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].some(
    hasRun,
  );
  return {
    metadata: slim,
    status: {
      ...(status.phase === undefined ? {} : { phase: status.phase }),
      podIPs: (status.podIPs ?? []).map(({ ip }) => (ip === undefined ? {} : { ip })),
      containerStatuses: ran ? ranOnce : [],
    },
  };
}

const ranOnce: readonly ContainerStatus[] = [{ restartCount: 0, state: { running: {} } }];

/** Whether a container runs or ran. */
export function hasRun({ restartCount = 0, state }: ContainerStatus): boolean {
  return restartCount > 0 || state?.running !== undefined || state?.terminated !== undefined;
}

/** A ConfigMap with descriptor sets. */
export interface ContractMap extends ApiObject {
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Where ConfigMaps live. */
export const contractMaps: ResourceType<ContractMap> = resourceType<ContractMap>({
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
});

/** Keeps of a ConfigMap what is read of it. */
export function slimContractMap({ metadata, binaryData }: ContractMap): ContractMap {
  return { metadata: slimMetadata(metadata), ...(binaryData === undefined ? {} : { binaryData }) };
}

/** Identity, versions and the one annotation of ours. */
function slimMetadata(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation } = metadata;
  const { creationTimestamp, deletionTimestamp } = metadata;
  const paused = metadata.annotations?.[annotations.reconcile];
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(paused === undefined ? {} : { annotations: { [annotations.reconcile]: paused } }),
  };
}
