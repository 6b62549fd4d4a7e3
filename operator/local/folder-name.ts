/** What a folder is called: the same folder gives the same names on every start. */
import { createHash } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { LocalError } from "./local-error.ts";

/** Names that come from a folder's real path. */
export interface FolderName {
  /** Real path. */
  readonly path: string;
  /** As it was given, for messages and commands. */
  readonly shown: string;
  /** 8 hex digits of the SHA-256 of the real path. */
  readonly hash8: string;
  /** `local-HASH8`: other folders of the machine are other clusters. */
  readonly clusterId: string;
  /** The folder's own name as a DNS label. */
  readonly namespace: string;
}

/**
 * Names a folder.
 * @throws {LocalError} `FOLDER_UNREADABLE` when it is none.
 */
export function nameFolder(shown: string): FolderName {
  let path: string;
  try {
    path = realpathSync(shown);
  } catch (error) {
    const absent = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = error instanceof Error ? error.message : String(error);
    const text = absent ? `${shown} does not exist` : `${shown} cannot be read: ${why}`;
    const remedy = "Give a folder with manifests, .proto files and apps.yaml.";
    throw new LocalError("FOLDER_UNREADABLE", [{ text, remedy }], { cause: error });
  }
  if (!statSync(path).isDirectory()) {
    const remedy = "Give the folder that holds apps.yaml.";
    throw new LocalError("FOLDER_UNREADABLE", [{ text: `${shown} is no folder`, remedy }]);
  }
  const hash8 = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return { path, shown, hash8, clusterId: `local-${hash8}`, namespace: dnsLabel(basename(path)) };
}

/** A DNS label that resembles a text; `folder` when nothing of it is left. */
export function dnsLabel(text: string): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return label === "" ? "folder" : label;
}
