/**
 * State folders of folders that are gone: their `up` was killed, and no later `up` of the same
 * folder will ever clear them. One is removed only when it is ours by owner, mode, name and record.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { bootId, endLeftovers, isAlive } from "./leftovers.ts";
import { readRunRecord, type RunRecord } from "./run-record.ts";
import { removeStateFolder, stateFolderPattern } from "./state-folder.ts";

/** Folders that are looked at in one go: a bound for a very full parent. */
const maxFolders = 1_000;

/**
 * Removes them, with what their runs left running.
 * @param parent folder that holds state folders.
 * @returns the folders that were removed.
 */
export async function removeAbandoned(parent: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const path of ownStateFolders(parent)) {
    const record = readRunRecord(path);
    if (record === undefined || !isAbandoned(path, record)) continue;
    await endLeftovers(record);
    try {
      removeStateFolder(path);
      removed.push(path);
    } catch {
      // Somebody else removes it too, or it may not be removed: no reason not to start.
    }
  }
  return removed;
}

function ownStateFolders(parent: string): string[] {
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    return [];
  }
  return names
    .filter((name) => stateFolderPattern.test(name))
    .slice(0, maxFolders)
    .map((name) => join(parent, name))
    .filter(isOurs);
}

function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  if (stat === undefined || !stat.isDirectory() || (stat.mode & 0o077) !== 0) return false;
  return uid === undefined || stat.uid === uid;
}

function isAbandoned(path: string, { folder, up, bootId: boot }: RunRecord): boolean {
  // A copy of a record in another folder speaks of another run.
  const hash8 = createHash("sha256").update(folder).digest("hex").slice(0, 8);
  if (!basename(path).endsWith(`-${hash8}`) || existsSync(folder)) return false;
  return boot !== bootId() || !isAlive(up);
}
