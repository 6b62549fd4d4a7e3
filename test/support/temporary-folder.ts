import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * A folder of its own for one test, removed when the test ends. Short, because a unix socket's path
 * may have 107 bytes.
 * @returns the absolute path.
 */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sw-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
