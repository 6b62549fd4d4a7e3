/** The ConfigMaps that a cluster needs in the place of the folder's .proto files. */
import { stringify } from "yaml";
import { labels } from "../manifests/index.ts";
import type { DescriptorConfigMap } from "./contracts.ts";

/**
 * Writes ConfigMaps for `kubectl apply -f -`: the bytes are those that `up` gives the sidecars, in
 * `binaryData` since they are no text.
 * @returns YAML, one document each; empty when no contract refers to a ConfigMap.
 */
export function configMapYaml(maps: readonly DescriptorConfigMap[]): string {
  return maps
    .map(({ name, sets }) => {
      const data = [...sets].map(([key, { content }]) => [key, base64(content)] as const);
      const map = {
        apiVersion: "v1",
        kind: "ConfigMap",
        // With the label the operator sees it at once.
        metadata: { name, labels: { [labels.contract]: "true" } },
        binaryData: Object.fromEntries(data),
      };
      return stringify(map, { lineWidth: 0 });
    })
    .join("---\n");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
