/** Resources as the operator's caches keep them. */
import {
  type CachedCapability,
  type CachedDemand,
  keepCapability,
  keepDemand,
} from "../../operator/controller/cached-resource.ts";
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";

function metadata(name: string): Json {
  return {
    name,
    namespace: "shop",
    uid: `uid-${name}`,
    resourceVersion: "7",
    generation: 1,
    creationTimestamp: "2025-12-31T00:00:00Z",
    managedFields: [{ manager: "kubectl" }],
  };
}

/** The Demand `thumbnails`, changed in one place before the cache takes it in. */
export function cachedDemand(
  change: (it: Json) => void = () => {},
  known?: CachedDemand,
): CachedDemand {
  const manifest = demandManifest();
  manifest.metadata = metadata("thumbnails");
  change(manifest);
  return keepDemand(manifest, known);
}

/** The Capability `thumbnailer`; as `cachedDemand`. */
export function cachedCapability(
  change: (it: Json) => void = () => {},
  known?: CachedCapability,
): CachedCapability {
  const manifest = capabilityManifest();
  manifest.metadata = metadata("thumbnailer");
  change(manifest);
  return keepCapability(manifest, known);
}
