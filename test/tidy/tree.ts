/**
 * The files that the checks read: everything tracked by git or about to be; where there is no git,
 * everything but what is built or installed.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** One text file of the repository. */
export interface SourceFile {
  /** Path from the top, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something that breaks a rule, with what to do about it. */
export interface Finding {
  readonly path: string;
  /** From 1; absent when it is about the whole file. */
  readonly line?: number;
  /** Name of the rule, and what was found. */
  readonly message: string;
  readonly remedy: string;
}

/** Top folder of the repository. */
export const top = join(import.meta.dirname, "../..");

const notOurs = new Set(["node_modules", "dist", "coverage", ".git", "tmp", "samples"]);

function walk(folder: string, prefix: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      if (notOurs.has(entry.name)) return [];
      return walk(join(folder, entry.name), `${prefix}${entry.name}/`);
    }
    return [`${prefix}${entry.name}`];
  });
}

function listPaths(): string[] {
  try {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const listed = execFileSync("git", args, { cwd: top, encoding: "utf8", stdio: "pipe" });
    return listed.split("\0").filter((path) => path !== "" && existsSync(join(top, path)));
  } catch {
    return walk(top, "");
  }
}

/** Paths of all files, from the top, sorted. */
export const paths: readonly string[] = [...new Set(listPaths())].sort();

/** @returns the files whose path matches, with their text. */
export function readFiles(pattern: RegExp): SourceFile[] {
  return paths
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(join(top, path), "utf8") }));
}

/** TypeScript that ships. */
export const shippedSource = /^(sidecar|operator)\/.*\.ts$/;

/** TypeScript that is written by hand. */
export const handWritten = /^(sidecar|operator|test|examples)\/(?!.*\/gen\/).*\.ts$/;

/**
 * @returns the findings as lines `path:line: message. Remedy: …`, for a test to compare with [].
 */
export function asLines(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, message, remedy }) => {
    const place = line === undefined ? path : `${path}:${line}`;
    return `${place}: ${message}. Remedy: ${remedy}`;
  });
}
