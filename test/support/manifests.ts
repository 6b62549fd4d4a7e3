/** Manifests for tests: a valid one that a test changes in one place. */

/** A plain value of JSON that a test may change anywhere. */
export type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any

/** A valid Demand named `thumbnails` for programs labelled `app: web`. */
export function demandManifest(change: (manifest: Json) => void = () => {}): Json {
  const manifest = {
    apiVersion: "spillway.dev/v1alpha1",
    kind: "Demand",
    metadata: { name: "thumbnails" },
    spec: {
      contract: {
        request: "images.v1.ThumbnailRequest",
        response: "images.v1.Thumbnail",
        schema: { configMapRef: { name: "images", key: "images.binpb" } },
      },
      selector: { matchLabels: { app: "web" } },
    },
  };
  change(manifest);
  return manifest;
}

/** A valid Capability named `thumbnailer` for programs labelled `app: worker`. */
export function capabilityManifest(change: (manifest: Json) => void = () => {}): Json {
  const manifest = demandManifest();
  manifest.kind = "Capability";
  manifest.metadata.name = "thumbnailer";
  manifest.spec.selector = { matchLabels: { app: "worker" } };
  change(manifest);
  return manifest;
}
