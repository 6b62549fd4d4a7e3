/** Metadata of a cached object, cut down. */
import { annotations } from "../manifests/index.ts";
import type { ObjectMeta } from "../runtime/index.ts";

/** Identity, versions and the one annotation of ours. */
export function slimMetadata(metadata: ObjectMeta): ObjectMeta {
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
