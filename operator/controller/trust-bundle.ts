/** The ConfigMap that injection reads: whom a new pod is to trust. */
import { fieldManagers, ownObjects } from "../manifests/index.ts";
import type { ApiClient } from "../runtime/index.ts";
import { contractMaps } from "./cluster-objects.ts";

/**
 * Writes the trust bundle where injection carries it from into pods. Other keys of the ConfigMap
 * are others'.
 * @param client guarded: only the leader writes.
 * @throws {ApiError}
 */
export async function writeTrustBundle(
  client: ApiClient,
  namespace: string,
  bundlePem: string,
): Promise<void> {
  const metadata = { namespace, name: ownObjects.injection };
  const object = { metadata, data: { trustBundle: bundlePem } };
  await client.apply(contractMaps, object, { fieldManager: fieldManagers.trust });
}
