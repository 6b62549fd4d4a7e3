/**
 * Names in package-lock.json the packages of platforms that the registry at hand did not serve.
 * Without them `npm ci` refuses the lock file on every platform; with them the others are left out
 * as they should be. `npm run lock` after adding a package; test/tidy fails when it was forgotten.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "../tidy/tree.ts";

/** One entry of `packages` in a lock file, as far as it matters here. */
interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly engines?: unknown;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A lock file, as far as it matters here. */
export interface LockFile {
  packages: Record<string, LockEntry>;
}

/** A package that another names as optional and that has no entry. */
export interface MissingPackage {
  readonly name: string;
  readonly version: string;
  /** Path of the entry that names it. */
  readonly parent: string;
}

const systems = ["android", "darwin", "linux", "win32", "freebsd", "openbsd", "netbsd", "aix"];
const processors: Readonly<Record<string, string>> = {
  arm64: "arm64",
  x64: "x64",
  arm: "arm",
  armv7: "arm",
  ia32: "ia32",
};

/** @returns the optional packages of one platform that have no entry. */
export function missingPackages(lock: LockFile): MissingPackage[] {
  const keys = Object.keys(lock.packages);
  return Object.entries(lock.packages).flatMap(([parent, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => platformOf(name) !== undefined)
      .filter(([name]) => !keys.some((key) => key.endsWith(`node_modules/${name}`)))
      .map(([name, version]) => ({ name, version, parent })),
  );
}

/** What a package's name says of its platform; undefined when it says nothing. */
function platformOf(name: string): { os: string; cpu: string; musl: boolean } | undefined {
  const words = (name.split("/").at(-1) ?? "").split("-");
  const os = words.find((word) => systems.includes(word));
  const cpu = words.map((word) => processors[word]).find((word) => word !== undefined);
  return os === undefined || cpu === undefined
    ? undefined
    : { os, cpu, musl: words.includes("musl") };
}

/** @returns the lock file with an entry for each missing package, sorted as npm sorts. */
export function completeLock(lock: LockFile): LockFile {
  const { "": root = {}, ...rest } = lock.packages;
  const added = missingPackages(lock).map(({ name, version, parent }) => {
    const platform = platformOf(name);
    const { dev, engines } = lock.packages[parent] ?? {};
    const entry = {
      version,
      cpu: [platform?.cpu],
      ...(dev === true ? { dev } : {}),
      ...(engines === undefined ? {} : { engines }),
      ...(platform?.musl === true ? { libc: ["musl"] } : {}),
      optional: true,
      os: [platform?.os],
    };
    return [`node_modules/${name}`, entry] as const;
  });
  const entries = [...Object.entries(rest), ...added].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...lock, packages: { "": root, ...Object.fromEntries(entries) } };
}

if (import.meta.main) {
  const file = join(top, "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8")) as LockFile;
  const missing = missingPackages(lock);
  if (missing.length > 0) writeFileSync(file, `${JSON.stringify(completeLock(lock), null, 2)}\n`);
  process.stdout.write(`package-lock.json: ${missing.length} packages of other platforms added\n`);
}
