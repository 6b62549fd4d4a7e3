/** Reads a folder whole and checks what only the whole shows. Starts nothing, writes nothing. */
import { join, relative } from "node:path";
import { type Capability, type Demand, selects } from "../schema/index.ts";
import { appsFileName, type LocatedApp, readApps } from "./apps-file.ts";
import { type DescriptorConfigMap, type Resolved, resolveContracts } from "./contracts.ts";
import { listFolder, readDocuments } from "./folder-files.ts";
import { type FolderName, nameFolder } from "./folder-name.ts";
import { LocalError, type Problem } from "./local-error.ts";
import { fieldProblem } from "./located-document.ts";
import { readManifests } from "./manifests.ts";
import { type CompilerEnvironment, compileProtos, pruneDescriptorSet } from "./proto-files.ts";

/** The resources of a folder, every contract resolved. */
export interface LoadedManifests {
  readonly folder: FolderName;
  readonly demands: readonly Resolved<Demand>[];
  readonly capabilities: readonly Resolved<Capability>[];
  readonly configMaps: readonly DescriptorConfigMap[];
  /** What is worth saying and no error, a sentence each. */
  readonly notes: readonly string[];
}

/** A folder that can be run. */
export interface LoadedFolder extends LoadedManifests {
  readonly apps: readonly LocatedApp[];
  /** Folders whose files were read: a change in one of them is worth reading again. */
  readonly watched: readonly string[];
  /** What works but is most likely not meant, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads manifests and protos.
 * @throws {LocalError} `FOLDER_UNREADABLE`, `MANIFEST_INVALID`, `PROTO_INVALID`.
 */
export async function loadManifests(
  shown: string,
  environment: CompilerEnvironment,
): Promise<LoadedManifests> {
  const folder = nameFolder(shown);
  const files = listFolder(folder);
  const read = files.manifests.map((name) => readDocuments(folder, name));
  const manifests = readManifests(read.flatMap(({ documents }) => documents));
  refuse([...read.flatMap(({ problems }) => problems), ...manifests.problems]);
  const protos =
    files.protoFolders.length === 0
      ? undefined
      : await compileProtos(folder.path, {
          hasOwnConfig: files.hasBufConfig,
          excludes: files.foreignFolders,
          environment,
          shown: (path) => join(folder.shown, relative(folder.path, path)),
        });
  const { problems, ...resolved } = await resolveContracts(manifests, protos, (set, messages) =>
    pruneDescriptorSet(set, messages, { cwd: folder.path, environment }),
  );
  refuse(problems);
  return { folder, ...resolved, notes: manifests.notes };
}

/**
 * Reads everything that `up` needs.
 * @throws {LocalError} as `loadManifests`, and `APPS_INVALID`.
 */
export async function loadFolder(
  shown: string,
  environment: CompilerEnvironment,
): Promise<LoadedFolder> {
  const folder = nameFolder(shown);
  const files = listFolder(folder);
  const file = join(shown, appsFileName);
  if (!files.hasApps) {
    const remedy = "Write apps.yaml with a list of apps, each with name, labels and command.";
    throw new LocalError("APPS_INVALID", [{ file, text: "is missing", remedy }]);
  }
  const { documents, problems } = readDocuments(folder, appsFileName);
  if (problems.length > 0) throw new LocalError("APPS_INVALID", problems);
  const apps = readApps(file, documents);
  const manifests = await loadManifests(shown, environment);
  return {
    ...manifests,
    apps,
    watched: [...new Set([folder.path, ...files.protoFolders])],
    warnings: checkAgainstApps(manifests, apps),
  };
}

/**
 * Checks manifests against the programs they select.
 * @returns what works but is most likely not meant, a sentence each.
 * @throws {LocalError} `MANIFEST_INVALID`.
 */
export function checkAgainstApps(
  manifests: LoadedManifests,
  apps: readonly LocatedApp[],
): readonly string[] {
  refuse(manifests.capabilities.flatMap((it) => deliverProblems(it, apps)));
  return unselectedWarnings(manifests, apps);
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new LocalError("MANIFEST_INVALID", problems);
}

/** On one machine the port of `deliver` stands for the program's own. */
function deliverProblems(it: Resolved<Capability>, apps: readonly LocatedApp[]): Problem[] {
  const { deliver, selector } = it.resource.spec;
  if (deliver === undefined) return [];
  const selected = apps.filter(({ app }) => selects(selector, app.labels));
  return selected.flatMap(({ app, document, path }) => {
    if (app.port === deliver.port) return [];
    const { line } = document.placeOf(path);
    const own = app.port === undefined ? "no port" : `port ${app.port}`;
    const problem = `is ${deliver.port}, but ${app.name} (${document.file}:${line}) has ${own}`;
    const remedy = `Write the same port in both.`;
    return [fieldProblem(it.document, ["spec", "deliver", "port"], { problem, remedy })];
  });
}

function unselectedWarnings(
  { demands, capabilities }: LoadedManifests,
  apps: readonly LocatedApp[],
): string[] {
  return [...demands, ...capabilities].flatMap(({ resource, document }) => {
    if (apps.some(({ app }) => selects(resource.spec.selector, app.labels))) return [];
    const { line } = document.placeOf(["spec", "selector"], "key");
    const name = `${resource.kind} ${resource.metadata.name}`;
    return [`${document.file}:${line}: the selector of ${name} matches no program of apps.yaml`];
  });
}
