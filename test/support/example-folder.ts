/** A folder for `spillway up` in tests: one Demand, one Capability, their protos and apps.yaml. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";

/** What a test folder holds; each part can be replaced. */
export interface FolderContent {
  readonly demand?: Json;
  readonly capability?: Json;
  readonly proto?: string;
  readonly apps?: Json;
  /** Further files by name, and replacements of the above. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Messages of the manifests in `manifests.ts`. */
export const imagesProto = `syntax = "proto3";
package images.v1;
message ThumbnailRequest {
  bytes image = 1;
  uint32 width = 2;
}
message Thumbnail {
  bytes image = 1;
}
message Unused {
  string text = 1;
}
`;

/** Two programs: `web` asks, `worker` does. */
export const twoApps = [
  { name: "web", labels: { app: "web" }, command: ["node", "program.mjs"] },
  { name: "worker", labels: { app: "worker" }, command: ["node", "program.mjs"], replicas: 2 },
];

/** Writes the files of a folder. @returns the folder. */
export function writeFolder(folder: string, content: FolderContent = {}): string {
  const files: Record<string, string> = {
    "demand.yaml": stringify(content.demand ?? demandManifest()),
    "capability.yaml": stringify(content.capability ?? capabilityManifest()),
    "images.proto": content.proto ?? imagesProto,
    "apps.yaml": stringify({ apps: content.apps ?? twoApps }),
    ...content.files,
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}
