/** Finds a running folder and asks it for its state. */
import { askSidecar, type Place } from "../inspect/index.ts";
import { type FolderStatus, folderStatus } from "./folder-status.ts";
import { nameFolder } from "./folder-name.ts";
import { bootId, isAlive } from "./leftovers.ts";
import { readRunRecord, type RunRecord } from "./run-record.ts";
import { LocalError } from "./local-error.ts";
import { placeOf } from "./sidecar-client.ts";
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
      report: await askSidecar(placeOf(recorded)),
    })),
  );
  return folderStatus(record, observed);
}

/**
 * The sidecars of a running folder, to be asked.
 * @throws {LocalError} `NOT_RUNNING`, `FOLDER_UNREADABLE`.
 */
export function placesOf(shownFolder: string, roots: StateRoots): Place[] {
  const record = findRun(shownFolder, roots);
  if (record !== undefined) return record.programs.map(placeOf);
  const remedy = `Start it with spillway up ${shownFolder}.`;
  throw new LocalError("NOT_RUNNING", [{ text: `nothing runs in ${shownFolder}`, remedy }]);
}
