/** Rules on names and words of files. Each returns what breaks it. */
import type { Finding, SourceFile } from "./tree.ts";

const kebab = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/;
/** Names that tools and readers expect in capitals or with underscores. */
const fixedNames = new Set([
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "ROADMAP.md",
  "LICENSE",
  "Dockerfile",
  "Chart.yaml",
  "NOTES.txt",
]);
const dumpNames = /^(util|utils|helper|helpers|common|misc|types|shared|lib|enums|constants)$/;

/**
 * Every part of a path is kebab-case; `.proto` and generated files follow buf's lower_snake_case.
 */
export function nameFindings(path: string): Finding[] {
  const findings: Finding[] = [];
  const parts = path.split("/");
  const file = parts.at(-1) ?? "";
  const isBufs = /\.proto$|(^|\/)gen\/.*_pb\.ts$/.test(path);
  if (fixedNames.has(file) || isBufs) parts.pop();
  for (const part of parts) {
    const stem = part === file ? part.split(".").filter((piece) => piece !== "") : [part];
    for (const piece of stem) {
      if (kebab.test(piece)) continue;
      const message = `name: "${piece}" is not kebab-case`;
      findings.push({ path, message, remedy: "lower-case words joined by -" });
    }
    const first = stem[0] ?? "";
    if (dumpNames.test(first)) {
      const message = `name: "${first}" says nothing`;
      findings.push({ path, message, remedy: "name the idea that the file or folder holds" });
    }
  }
  return findings;
}

/**
 * A unit test stands where its source stands: `sidecar/wire/frame.ts` ↔
 * `test/unit/sidecar/wire/frame.test.ts`; a second aspect is `frame.NAME.test.ts`.
 */
export function mirrorFindings(path: string, known: ReadonlySet<string>): Finding[] {
  const match = /^test\/unit\/(.+\/[^/.]+)(\.[^/]+)?\.test\.ts$/.exec(path);
  const source = match?.[1];
  if (source === undefined) return [];
  if (known.has(`${source}.ts`)) return [];
  const remedy = "name it after the file it tests, or put it in another folder of test/";
  return [{ path, message: `mirror: there is no ${source}.ts`, remedy }];
}

// Written in pieces so that this file does not break its own rule.
const marks = ["TO" + "DO", "FIX" + "ME"];
const unfinished = new RegExp(`\\b(${marks.join("|")})\\b`);
const machineWords: readonly (readonly [RegExp, string])[] = [
  [/(^|[\s"'`(=])\/work\/[a-z.]/, "a path of one machine"],
  [/\/(home|Users)\/[a-z]+\//, "a path of one machine"],
  [/(^|[\s"'`(=])\/root\/[a-z.]/, "a path of one machine"],
  [new RegExp('"resolved": ' + '"http'), "a registry host"],
  [
    /\bhttps?:\/\/[a-z0-9.-]*(registry|artifactory|nexus|verdaccio|goproxy|proxy\.golang)/i,
    "a registry host",
  ],
];

/** No unfinished marks, no path of a machine, no registry host. */
export function wordFindings(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (const [index, text] of file.text.split("\n").entries()) {
    const line = index + 1;
    const mark = unfinished.exec(text)?.[1];
    if (mark !== undefined) {
      const remedy = "do it, or write it into ROADMAP.md";
      findings.push({ path: file.path, line, message: `words: ${mark}`, remedy });
    }
    for (const [pattern, what] of machineWords) {
      if (!pattern.test(text)) continue;
      const remedy = "take it from an argument or a relative path";
      findings.push({ path: file.path, line, message: `words: ${what}`, remedy });
    }
  }
  return findings;
}

/** Ranges in package.json: only exact versions, so that a build today is the build of tomorrow. */
export function versionFindings(file: SourceFile): Finding[] {
  const manifest: unknown = JSON.parse(file.text);
  const sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
  return sections.flatMap((section) => {
    const entries = Object.entries((manifest as Record<string, object>)[section] ?? {});
    return entries.flatMap(([name, version]): Finding[] => {
      if (/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/.test(String(version))) return [];
      const message = `versions: ${name}@${String(version)} is a range`;
      return [{ path: file.path, message, remedy: "npm install --save-exact" }];
    });
  });
}

/** A lock file's packages, as far as scripts of installation matter. */
export interface ScriptedLock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly hasInstallScript?: boolean }>
  >;
}

/** Each package with a script of installation is allowed or refused it by name, and no other. */
export function installScriptFindings(
  lock: ScriptedLock,
  allowScripts: Readonly<Record<string, boolean>>,
): Finding[] {
  const path = "package.json";
  const scripted = new Set(
    Object.entries(lock.packages)
      .filter(([place, entry]) => place !== "" && entry.hasInstallScript === true)
      .map(([place]) => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length)),
  );
  const unsaid = [...scripted]
    .filter((name) => !(name in allowScripts))
    .map((name) => {
      const message = `install scripts: nothing is said of ${name}`;
      return { path, message, remedy: "read its script, then add it to allowScripts" };
    });
  const gone = Object.keys(allowScripts)
    .filter((name) => !scripted.has(name))
    .map((name) => {
      const message = `install scripts: ${name} has none`;
      return { path, message, remedy: "take it out of allowScripts" };
    });
  return [...unsaid, ...gone];
}
