/**
 * `run.json`: what a running `up` has started. Written by it, read by `status`, `send` and the next
 * `up`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "./state-folder.ts";

const processSchema = z.object({
  pid: z.int().positive(),
  /** As `processStartTime` reads it. */
  startTime: z.string(),
});

const addressSchema = z.object({ host: z.string(), port: z.int() });

const sidecarSchema = z.object({
  process: processSchema.optional(),
  socketPath: z.string(),
  /** Absent until it is ready. */
  admin: addressSchema.optional(),
  ops: addressSchema.optional(),
  restarts: z.int(),
});

const programSchema = z.object({
  name: z.string(),
  replica: z.int(),
  nodeId: z.string(),
  /** Absent while it waits for its next start. */
  process: processSchema.optional(),
  port: z.int().optional(),
  restarts: z.int(),
  /** How it ended last: `exit code 1`, `SIGKILL`. */
  lastEnd: z.string().optional(),
  /** What it wrote last to standard error before it ended, as far as it tells why. */
  lastErrorLine: z.string().optional(),
  sidecar: sidecarSchema,
});

const recordSchema = z.object({
  /** Random: another run of the same folder has another. */
  runId: z.string(),
  /** Start times count from the boot. */
  bootId: z.string(),
  folder: z.string(),
  up: processSchema,
  programs: z.array(programSchema),
  /** What works but is most likely not meant, a sentence each. */
  warnings: z.array(z.string()),
});

/** A process for good: the pid alone may be somebody else's by now. */
export type ProcessIdentity = z.output<typeof processSchema>;
/** A program of the record. */
export type RecordedProgram = z.output<typeof programSchema>;
/** The record. */
export type RunRecord = z.output<typeof recordSchema>;

const fileName = "run.json";

/** Writes the record of a state folder. */
export function writeRunRecord(stateFolder: string, record: RunRecord): void {
  replaceFile(join(stateFolder, fileName), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** @returns the record; undefined when there is none that can be read. */
export function readRunRecord(stateFolder: string): RunRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(stateFolder, fileName), "utf8"));
    const checked = recordSchema.safeParse(parsed);
    return checked.success ? checked.data : undefined;
  } catch {
    return undefined;
  }
}
