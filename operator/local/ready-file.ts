/** The file in which a sidecar says that it listens, and where. */
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

const address = z.object({ host: z.string(), port: z.int().min(1).max(65_535) });

const readySchema = z.object({
  peer: address,
  admin: address.optional(),
  ops: address.optional(),
});

/** Bound addresses of a sidecar. */
export type ReadyAddresses = z.output<typeof readySchema>;

const pollMs = 20;

/** Takes the file of an earlier start away. */
export function clearReadyFile(path: string): void {
  rmSync(path, { force: true });
}

/** @returns what the file says; undefined while it is not there or not whole. */
export function readReadyFile(path: string): ReadyAddresses | undefined {
  try {
    const checked = readySchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return checked.success ? checked.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Waits for the file.
 * @returns undefined when `signal` aborts first.
 */
export async function awaitReadyFile(
  path: string,
  signal: AbortSignal,
): Promise<ReadyAddresses | undefined> {
  while (!signal.aborted) {
    const ready = readReadyFile(path);
    if (ready !== undefined) return ready;
    await delay(pollMs);
  }
  return undefined;
}
