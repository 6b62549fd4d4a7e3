/** Descriptor sets for tests, compiled by the same compiler that users run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const buf = resolve("node_modules/.bin/buf");

/**
 * Compiles `.proto` sources with `buf build`.
 * @param files text by path relative to the proto root.
 * @returns an encoded FileDescriptorSet with imports and source info.
 */
export function compileProto(files: Readonly<Record<string, string>>): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "sw-proto-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    writeFileSync(join(folder, "buf.yaml"), "version: v2\n");
    return new Uint8Array(execFileSync(buf, ["build", "-o", "-"], { cwd: folder }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
