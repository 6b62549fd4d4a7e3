/**
 * The folder that a running `up` keeps its sockets, keys and record in: mode 0700, found again by
 * the real path of the folder it runs, removed at a clean end.
 *
 * Its name is spillway-HASH8 under $XDG_RUNTIME_DIR, else spillway-UID-HASH8 under the temporary
 * folder.
 *
 *     run.json                 what runs: `status`, `send` and the next `up` read it
 *     ca.pem  cluster-key      shared by the sidecars; the authority's key is never written
 *     PROGRAM-REPLICA.sock     application API
 *     PROGRAM-REPLICA/         config.yaml certificate.pem private-key.pem ready.json state/
 */
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FolderName } from "./folder-name.ts";
import { LocalError } from "./local-error.ts";
import type { ReplicaPaths } from "./node-config.ts";

/** Where state folders may lie. */
export interface StateRoots {
  /** `$XDG_RUNTIME_DIR`: this user's, emptied at a reboot. */
  readonly runtimeFolder?: string;
  /** Everybody's. */
  readonly temporaryFolder: string;
}

/** Longest path of a unix socket, bytes: `sun_path` is 108 on Linux, 104 on macOS, with its end. */
export const maxSocketPathBytes = process.platform === "darwin" ? 103 : 107;

/** Names of state folders, in either place. */
export const stateFolderPattern = /^spillway-(\d+-)?[0-9a-f]{8}$/;

/** The state folders a folder may have, the one that `up` uses first. */
export function stateFolderCandidates(folder: FolderName, roots: StateRoots): readonly string[] {
  const uid = process.getuid?.() ?? 0;
  const shared = join(roots.temporaryFolder, `spillway-${uid}-${folder.hash8}`);
  return roots.runtimeFolder === undefined
    ? [shared]
    : [join(roots.runtimeFolder, `spillway-${folder.hash8}`), shared];
}

/**
 * Makes the folder, or takes the one that an earlier run left.
 * @throws {LocalError} `STATE_FOLDER_UNSAFE` when it is a link, somebody else's or open to others.
 */
export function makeStateFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    return;
  } catch (error) {
    if (!isExists(error)) throw unsafe(path, error instanceof Error ? error.message : "", error);
  }
  const stat = lstatSync(path);
  const uid = process.getuid?.();
  if (!stat.isDirectory()) throw unsafe(path, "it is no folder");
  if (uid !== undefined && stat.uid !== uid) throw unsafe(path, `it belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) throw unsafe(path, "others may enter it");
}

function isExists(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function unsafe(path: string, why: string, cause?: unknown): LocalError {
  const text = `${path} cannot be the state folder: ${why}`;
  const remedy = "Remove it, or set XDG_RUNTIME_DIR to a folder of your own.";
  return new LocalError("STATE_FOLDER_UNSAFE", [{ text, remedy }], { cause });
}

/**
 * Where the files of a replica lie.
 * @param name `PROGRAM-REPLICA`.
 * @throws {LocalError} `SOCKET_PATH_TOO_LONG`.
 */
export function replicaPaths(stateFolder: string, name: string): ReplicaPaths {
  const own = join(stateFolder, name);
  const appSocket = join(stateFolder, `${name}.sock`);
  const sizeBytes = Buffer.byteLength(appSocket);
  if (sizeBytes > maxSocketPathBytes) {
    const bound = `(${sizeBytes} bytes; allowed: ${maxSocketPathBytes})`;
    const remedy =
      "Set XDG_RUNTIME_DIR to a folder with a shorter path, or shorten the app's name.";
    const text = `the socket path ${appSocket} is too long ${bound}`;
    throw new LocalError("SOCKET_PATH_TOO_LONG", [{ text, remedy }]);
  }
  return {
    configFile: join(own, "config.yaml"),
    stateFolder: join(own, "state"),
    certificateFile: join(own, "certificate.pem"),
    privateKeyFile: join(own, "private-key.pem"),
    caFile: join(stateFolder, "ca.pem"),
    clusterKeyFile: join(stateFolder, "cluster-key"),
    appSocket,
    readyFile: join(own, "ready.json"),
  };
}

/**
 * Writes a file beside and renames it: a reader sees the old text or the new, never half of one.
 */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.next`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, path);
}

/** Removes the folder with everything in it. */
export function removeStateFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
