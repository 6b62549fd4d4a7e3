/** Finds a running folder and asks it for its state. */
import { type FolderStatus, folderStatus } from "./folder-status.ts";
import { nameFolder } from "./folder-name.ts";
import { bootId, isAlive } from "./leftovers.ts";
import { readRunRecord, type RunRecord } from "./run-record.ts";
import { askSidecar } from "./sidecar-report.ts";
import { stateFolderCandidates, type StateRoots } from "./state-folder.ts";

/**
 * The record of the `up` that runs a folder.
 * @returns undefined when none runs there.
 * @throws {LocalError} `FOLDER_UNREADABLE`.
 */
export function findRun(shownFolder: string, roots: StateRoots): RunRecord | undefined {
  const folder = nameFolder(shownFolder);
  return stateFolderCandidates(folder, roots)
    .map(readRunRecord)
    .find(
      (record) =>
        record !== undefined &&
        record.folder === folder.path &&
        record.bootId === bootId() &&
        isAlive(record.up),
    );
}

/**
 * The state of a running folder.
 * @returns undefined when nothing runs there.
 * @throws {LocalError} `FOLDER_UNREADABLE`.
 */
export async function statusOf(
  shownFolder: string,
  roots: StateRoots,
): Promise<FolderStatus | undefined> {
  const record = findRun(shownFolder, roots);
  if (record === undefined) return undefined;
  const observed = await Promise.all(
    record.programs.map(async (recorded) => ({
      recorded,
      programAlive: recorded.process !== undefined && isAlive(recorded.process),
      sidecarAlive: recorded.sidecar.process !== undefined && isAlive(recorded.sidecar.process),
      report: await askSidecar(recorded.sidecar.socketPath, recorded.sidecar.ops),
    })),
  );
  return folderStatus(record, observed);
}
