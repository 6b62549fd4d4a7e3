/**
 * The incarnation of a node: a number that grows with each start, so that peers tell a restarted
 * node from the one they knew.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Incarnation } from "../core/ports.ts";

/**
 * Takes the next incarnation and keeps it. The greater of (last + 1) and the start time in ms, so
 * that neither a clock set back nor a lost file makes it shrink by itself.
 * @param folder where the last one is kept, made when missing (0700); empty: nothing is kept.
 * @param nowEpochMs wall clock, ms since 1970.
 * @throws the file system's error when the folder cannot be written: a node that forgets its
 *   incarnation could answer for leases of the one before.
 */
export function nextIncarnation(folder: string, nowEpochMs: number): Incarnation {
  if (folder === "") {
    return nowEpochMs;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "incarnation");
  const next = Math.max(lastIncarnation(file) + 1, nowEpochMs);
  // Written beside and renamed: a kill in between leaves the old number, not half a number.
  writeFileSync(`${file}.new`, `${String(next)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return next;
}

function lastIncarnation(file: string): number {
  try {
    const last = Number(readFileSync(file, "utf8"));
    return Number.isSafeInteger(last) && last >= 0 ? last : 0;
  } catch {
    return 0;
  }
}
