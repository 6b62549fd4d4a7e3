/**
 * Objects of others that the operator keeps copies of, cut down to what is read of them: memory
 * must not grow with what others write into theirs.
 */
import { podDeletionCost } from "../manifests/index.ts";
import { type ApiObject, type ResourceType, resourceType } from "../runtime/index.ts";
import { slimMetadata } from "./slim-metadata.ts";

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
