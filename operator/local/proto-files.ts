/**
 * The folder's .proto files, compiled by `buf` (nothing in JavaScript compiles them fully). Needs
 * no network unless the folder's own buf.yaml names modules of a registry.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { LocalError, type Problem } from "./local-error.ts";

/** The variables that a compiler run needs. */
export interface CompilerEnvironment {
  readonly PATH: string;
  readonly HOME: string;
}

/** What a folder's protos compile to. */
export interface CompiledProtos {
  /** The encoded FileDescriptorSet of all files, without source info. */
  readonly descriptorSet: Uint8Array;
  /** Full names of all messages, sorted. */
  readonly messages: readonly string[];
}

/** How long `buf` may take. */
const compileTimeoutMs = 60_000;

/** Bytes of output and of errors that are taken from `buf`. */
const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Compiles every .proto file of a folder.
 * @param folder real path.
 * @param options.hasOwnConfig the folder has a buf.yaml, which then decides what belongs to it.
 * @param options.excludes subfolders that are not its own (node_modules).
 * @param options.shown turns an absolute path into one for people.
 * @throws {LocalError} `PROTO_INVALID` with buf's own words at file, line and column.
 */
export async function compileProtos(
  folder: string,
  options: {
    readonly hasOwnConfig: boolean;
    readonly excludes: readonly string[];
    readonly environment: CompilerEnvironment;
    readonly shown: (path: string) => string;
  },
): Promise<CompiledProtos> {
  const module = { path: ".", excludes: options.excludes };
  const config = JSON.stringify({ version: "v2", modules: [module] });
  const result = await runBuf(
    [
      ...["build", folder, "--error-format", "json", "--exclude-source-info"],
      ...["--as-file-descriptor-set", "-o", "-"],
      ...(options.hasOwnConfig ? [] : ["--config", config]),
    ],
    { cwd: folder, environment: options.environment },
  );
  if (!result.ok) {
    throw new LocalError("PROTO_INVALID", compilerProblems(result.errors, options.shown));
  }
  return { descriptorSet: result.output, messages: messagesOf(result.output) };
}

/**
 * Keeps of a descriptor set only what some messages need. The same messages give the same bytes, in
 * whatever order they are named.
 * @param messages full names that are in the set.
 */
export async function pruneDescriptorSet(
  descriptorSet: Uint8Array,
  messages: readonly string[],
  options: { readonly cwd: string; readonly environment: CompilerEnvironment },
): Promise<Uint8Array> {
  const types = [...new Set(messages)].sort().flatMap((name) => ["--type", name]);
  const args = ["build", "-#format=binpb", "--as-file-descriptor-set", ...types, "-o", "-"];
  const result = await runBuf(args, { ...options, input: descriptorSet });
  if (!result.ok) throw new Error(`buf could not prune a descriptor set: ${result.errors}`);
  return result.output;
}

/**
 * Full names of the messages in a descriptor set, sorted.
 * @throws the library's error when the bytes are no FileDescriptorSet, or one with holes.
 */
export function messagesOf(descriptorSet: Uint8Array): string[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  return [...registry].flatMap((it) => (it.kind === "message" ? [it.typeName] : [])).sort();
}

type BufResult =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly errors: string };

async function runBuf(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment: CompilerEnvironment;
    readonly input?: Uint8Array;
  },
): Promise<BufResult> {
  const bin = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd,
    env: { ...options.environment },
    timeout: compileTimeoutMs,
  });
  child.stdin.on("error", () => {
    // buf ended before it read everything: its exit code tells.
  });
  child.stdin.end(options.input ?? "");
  const [output, errors, exit] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<number | string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
    }),
  ]);
  if (exit === 0) return { ok: true, output };
  const text = errors.toString("utf8").trim();
  return { ok: false, errors: text === "" ? `buf ended with ${exit}` : text };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes <= maxOutputBytes) chunks.push(chunk);
  }
  if (sizeBytes > maxOutputBytes) throw new Error(`buf wrote ${sizeBytes} bytes`);
  return Buffer.concat(chunks);
}

/** buf's errors are JSON lines; anything else it says is told as it stands. */
function compilerProblems(errors: string, shown: (path: string) => string): Problem[] {
  return errors.split("\n").map((line) => {
    const parsed = parseErrorLine(line);
    const remedy = "Correct the file.";
    if (parsed === undefined) return { text: `the .proto files do not compile: ${line}`, remedy };
    const { path, start_line, start_column, message } = parsed;
    const place = { file: shown(path), line: start_line, column: start_column };
    return { ...place, text: `does not compile: ${message}${quote(path, start_line)}`, remedy };
  });
}

/** Longest part of a line that is quoted, characters. */
const maxQuoted = 80;

/** The line that is meant; empty when it cannot be read or holds nothing. */
function quote(path: string, line: number): string {
  try {
    const text = (readFileSync(path, "utf8").split("\n")[line - 1] ?? "").trim();
    return text === "" ? "" : `, in "${text.slice(0, maxQuoted)}"`;
  } catch {
    return "";
  }
}

interface BufErrorLine {
  readonly path: string;
  readonly start_line: number;
  readonly start_column: number;
  readonly message: string;
}

function parseErrorLine(line: string): BufErrorLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isErrorLine(parsed) ? parsed : undefined;
}

function isErrorLine(value: unknown): value is BufErrorLine {
  return (
    typeof value === "object" &&
    value !== null &&
    "path" in value &&
    typeof value.path === "string" &&
    "start_line" in value &&
    typeof value.start_line === "number" &&
    "start_column" in value &&
    typeof value.start_column === "number" &&
    "message" in value &&
    typeof value.message === "string"
  );
}
