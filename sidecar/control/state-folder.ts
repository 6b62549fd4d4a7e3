/**
 * What outlives a restart of the sidecar, in a folder that nobody else reads (0700, files 0600).
 * Each file is written beside and renamed, so that a kill leaves the old one, and carries its
 * format and its SHA-256, so that a damaged one is not read. No fsync: what a machine loses when it
 * dies comes again over the stream.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { chmod, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ControlError } from "./control-error.ts";

/** Layout that is written and understood; another one is ignored. */
const format = "spillway-control 1";

/** Greatest file that is read. */
const maxFileBytes = 8 * 1024 * 1024;

/** What reading a file gave. */
export type StoredFile =
  | { readonly found: true; readonly content: Uint8Array }
  /** `damage` says why a file that is there is not read; undefined when there is none. */
  | { readonly found: false; readonly damage: string | undefined };

/** One folder. */
export class StateFolder {
  readonly path: string;
  /** Writes run one after the other, so that the last word about a file stays. */
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the folder, made when missing.
   * @throws {ControlError} `STATE_UNWRITABLE`.
   */
  static async open(path: string): Promise<StateFolder> {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      // One that was there may have been made by somebody less careful.
      await chmod(path, 0o700);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ControlError("STATE_UNWRITABLE", `the state folder ${path}: ${reason}`, { cause });
    }
    return new StateFolder(path);
  }

  /** Names of the files that are there. */
  async names(): Promise<string[]> {
    const names = await readdir(this.path);
    return names.filter((name) => !name.endsWith(".new"));
  }

  /** Reads a file; never throws: what cannot be read is not there. */
  async read(name: string): Promise<StoredFile> {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(this.path, name));
    } catch (error) {
      const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
      const damage = error instanceof Error ? error.message : String(error);
      return { found: false, damage: missing ? undefined : damage };
    }
    return unwrap(bytes);
  }

  /** Replaces a file. @throws {ControlError} `STATE_UNWRITABLE`. */
  write(name: string, content: Uint8Array): Promise<void> {
    return this.#then(async () => {
      const file = join(this.path, name);
      await writeFile(`${file}.new`, wrap(content), { mode: 0o600 });
      await rename(`${file}.new`, file);
    });
  }

  /** Removes a file; one that is not there is no error. */
  remove(name: string): Promise<void> {
    return this.#then(() => rm(join(this.path, name), { force: true }));
  }

  #then(work: () => Promise<void>): Promise<void> {
    const next = this.#last.then(work).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ControlError("STATE_UNWRITABLE", `the state folder: ${reason}`, { cause });
    });
    this.#last = next.catch(() => undefined);
    return next;
  }
}

function wrap(content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${format} ${sha256(content)}\n`), content]);
}

function unwrap(bytes: Buffer): StoredFile {
  if (bytes.length > maxFileBytes) return damaged(`it has ${String(bytes.length)} bytes`);
  const end = bytes.indexOf("\n");
  const header = bytes.subarray(0, Math.max(0, end)).toString("latin1");
  if (!header.startsWith(`${format} `)) return damaged(`it is not of the format ${format}`);
  const content = new Uint8Array(bytes.subarray(end + 1));
  return header === `${format} ${sha256(content)}`
    ? { found: true, content }
    : damaged("its content does not match its checksum");
}

function damaged(damage: string): StoredFile {
  return { found: false, damage };
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
