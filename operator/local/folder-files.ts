/** Finds and reads the files of a folder: manifests on its top level, .proto files at any depth. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { appsFileName } from "./apps-file.ts";
import type { FolderName } from "./folder-name.ts";
import { LocalError, type Problem } from "./local-error.ts";
import { type LocatedDocument, parseLocatedDocuments } from "./located-document.ts";

/** Bounds of a folder. */
export const folderLimits = { fileBytes: 2 * 1024 * 1024, manifestFiles: 500, folders: 1_000 };

/** What lies in a folder. */
export interface FolderFiles {
  /** Names of the manifest files, sorted. */
  readonly manifests: readonly string[];
  readonly hasApps: boolean;
  /** Folders (absolute) that hold .proto files; a change in one is a change of the contracts. */
  readonly protoFolders: readonly string[];
  /** Folders below that are not the folder's own, relative. */
  readonly foreignFolders: readonly string[];
  readonly hasBufConfig: boolean;
}

/** @returns whether a file of the folder's top level is a manifest by its name. */
export function isManifestName(name: string): boolean {
  return /\.ya?ml$/.test(name) && name !== appsFileName && !/^buf(\.|$)/.test(name);
}

/**
 * Lists a folder.
 * @throws {LocalError} `FOLDER_UNREADABLE`.
 */
export function listFolder(folder: FolderName): FolderFiles {
  const names = entriesOf(folder.path).map(({ name }) => name);
  const manifests = names.filter(isManifestName).sort();
  if (manifests.length > folderLimits.manifestFiles) {
    const text = `${folder.shown} holds ${manifests.length} manifests`;
    const remedy = `Keep ${folderLimits.manifestFiles} or fewer in one folder.`;
    throw new LocalError("FOLDER_UNREADABLE", [{ text, remedy }]);
  }
  return {
    manifests,
    hasApps: names.includes(appsFileName),
    ...listProtoFolders(folder),
    hasBufConfig: existsSync(join(folder.path, "buf.yaml")),
  };
}

/** Walks the folder, leaving out what tools and package managers put there. */
function listProtoFolders(folder: FolderName): {
  readonly protoFolders: string[];
  readonly foreignFolders: string[];
} {
  const protoFolders: string[] = [];
  const foreignFolders: string[] = [];
  const waiting = [""];
  for (let walked = 0; waiting.length > 0 && walked < folderLimits.folders; walked++) {
    const relative = waiting.shift() ?? "";
    const absolute = join(folder.path, relative);
    const entries = entriesOf(absolute);
    if (entries.some((it) => it.isFile() && it.name.endsWith(".proto")))
      protoFolders.push(absolute);
    for (const entry of entries) {
      if (!entry.isDirectory()) continue;
      const below = join(relative, entry.name);
      if (entry.name === "node_modules" || entry.name.startsWith(".")) foreignFolders.push(below);
      else waiting.push(below);
    }
  }
  return { protoFolders, foreignFolders };
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Reads the documents of one YAML file.
 * @returns its documents, or the first problem of a file that is no YAML.
 * @throws {LocalError} `FOLDER_UNREADABLE`.
 */
export function readDocuments(
  folder: FolderName,
  name: string,
): { readonly documents: readonly LocatedDocument[]; readonly problems: readonly Problem[] } {
  const path = join(folder.path, name);
  const file = join(folder.shown, name);
  let text: string;
  try {
    const sizeBytes = statSync(path).size;
    if (sizeBytes > folderLimits.fileBytes) {
      const problem = `is too large (${sizeBytes} bytes; allowed: ${folderLimits.fileBytes})`;
      return { documents: [], problems: [{ file, text: problem, remedy: "Split the file." }] };
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
  const parsed = parseLocatedDocuments(file, text);
  return parsed.ok
    ? { documents: parsed.documents, problems: [] }
    : { documents: [], problems: [parsed.problem] };
}

function unreadable(path: string, error: unknown): LocalError {
  const reason = error instanceof Error ? error.message : String(error);
  const problem = { text: `${path} cannot be read: ${reason}`, remedy: "Check that it is there." };
  return new LocalError("FOLDER_UNREADABLE", [problem], { cause: error });
}
