/**
 * Rules on the project's pages (Markdown): what they name must exist. Each returns what breaks it.
 */
import { dirname, normalize } from "node:path";
import type { Finding, SourceFile } from "./tree.ts";

/** What a page may name. */
export interface Known {
  /** Every file of the repository. */
  readonly paths: ReadonlySet<string>;
  /** Scripts of package.json. */
  readonly scripts: ReadonlySet<string>;
  /** Programs of node_modules/.bin. */
  readonly programs: ReadonlySet<string>;
  /** Subcommands of `spillway`. */
  readonly subcommands: ReadonlySet<string>;
  /** Text of a page, for the headings that a link names. */
  readonly textOf: (path: string) => string | undefined;
}

/** One fenced block of a page. */
export interface Block {
  /** Word after the fence, for example `ts`. */
  readonly language: string;
  readonly text: string;
  /** Line of the fence, from 1. */
  readonly line: number;
}

/** @returns the fenced blocks of a page, in order. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*```(\S*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { language: fence[1] ?? "", line: index + 1, lines: [] };
    else {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join("\n") });
      open = undefined;
    }
  }
  return blocks;
}

/** The text of a page with its fenced blocks emptied, so that line numbers stay. */
function prose(text: string): string {
  let inside = false;
  const lines = text.split("\n").map((line) => {
    const fence = /^\s*```/.test(line);
    if (fence) inside = !inside;
    return fence || inside ? "" : line;
  });
  return lines.join("\n");
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** @returns the anchor that a heading gets: lower case, spaces to -, other signs dropped. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(text: string): Set<string> {
  const headings = [...prose(text).matchAll(/^#+ (.+)$/gm)];
  return new Set(headings.map((match) => anchorOf(match[1] ?? "")));
}

function exists(path: string, known: Known): boolean {
  const bare = path.replace(/\/$/, "");
  if (known.paths.has(bare)) return true;
  return [...known.paths].some((candidate) => candidate.startsWith(`${bare}/`));
}

/** Relative links resolve, with their anchors. */
export function linkFindings(page: SourceFile, known: Known): Finding[] {
  // What stands in backquotes is no link, whatever it looks like.
  const text = prose(page.text).replaceAll(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
  const findings: Finding[] = [];
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = match[1] ?? "";
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const path = file === "" ? page.path : normalize(`${dirname(page.path)}/${file}`);
    const line = lineAt(text, match.index);
    const remedy = "mend the link, or write the page";
    if (!exists(path, known)) {
      findings.push({ path: page.path, line, message: `link: ${target} does not exist`, remedy });
    } else if (anchor !== undefined && !anchorsOf(known.textOf(path) ?? "").has(anchor)) {
      findings.push({ path: page.path, line, message: `link: no heading #${anchor}`, remedy });
    }
  }
  return findings;
}

/** `node FILE.ts` runs only under the package's own Node, which npm scripts find. */
function bareNode(text: string): string[] {
  const commands = text.matchAll(/(?:^|[\s;&|(])(node (?:-\S+ )*[^\s-]\S*\.ts)\b/gm);
  return [...commands].map((match) => match[1] ?? "");
}

/**
 * Commands in code: npm scripts, npx programs, and subcommands of `spillway` exist; no TypeScript
 * is run under whatever Node is there.
 */
export function commandFindings(page: SourceFile, known: Known): Finding[] {
  const findings: Finding[] = [];
  const code = [...page.text.matchAll(/```[^\n]*\n([\s\S]*?)```|`([^`\n]+)`/g)];
  for (const span of code) {
    const text = span[1] ?? span[2] ?? "";
    const line = lineAt(page.text, span.index);
    const check = (pattern: RegExp, names: ReadonlySet<string>, what: string): void => {
      for (const match of text.matchAll(pattern)) {
        const name = match[1] ?? "";
        if (names.has(name)) continue;
        const message = `command: ${what} "${name}" does not exist`;
        const remedy = `one of: ${[...names].sort().join(", ")}`;
        findings.push({ path: page.path, line, message, remedy });
      }
    };
    for (const command of bareNode(text)) {
      const message = `command: "${command}" fails under a Node that runs no TypeScript`;
      const remedy = "add an npm script to package.json and name that";
      findings.push({ path: page.path, line, message, remedy });
    }
    check(/\bnpm run (?:--\S+ )*([a-z][a-z0-9:-]*)/g, known.scripts, "npm script");
    check(/\bnpm (start|test)\b/g, known.scripts, "npm script");
    check(/\bnpx (?:--\S+ )*([a-z@][a-z0-9@/-]*)/g, known.programs, "program");
    check(
      /(?:^|[\s(/])spillway ([a-z]+)(?=[\s`]|$)/gm,
      known.subcommands,
      "subcommand of spillway",
    );
  }
  return findings;
}

/** Paths in code spans of the prose exist; `*`, `…` and capitals (FILE) are placeholders. */
export function pathFindings(page: SourceFile, known: Known): Finding[] {
  const text = prose(page.text);
  const findings: Finding[] = [];
  const ours = /`((?:sidecar|operator|proto|test|docs|examples|\.ci)\/[^`\s]*)`/g;
  for (const match of text.matchAll(ours)) {
    const target = match[1] ?? "";
    if (/[*…<{]|[A-Z]{3}/.test(target) || exists(target, known)) continue;
    const message = `path: ${target} does not exist`;
    const remedy = "name what is there; what is planned stands in ROADMAP.md without a path";
    findings.push({ path: page.path, line: lineAt(text, match.index), message, remedy });
  }
  return findings;
}

/** One entry of the code map in ARCHITECTURE.md: `#### \`sidecar/wire\``, then its text. */
export interface MapEntry {
  readonly room: string;
  readonly text: string;
}

/** @returns the entries of the code map. */
export function mapEntries(text: string): MapEntry[] {
  const heads = [...text.matchAll(/^#{3,4} `([^`]+)`.*$/gm)];
  return heads.map((head) => {
    const rest = text.slice(head.index + head[0].length);
    const end = rest.search(/^#/m);
    return { room: head[1] ?? "", text: end < 0 ? rest : rest.slice(0, end) };
  });
}

/** Every room that exists is in the code map with its invariant, and no other. */
export function mapFindings(text: string, present: readonly string[]): Finding[] {
  const path = "ARCHITECTURE.md";
  const entries = mapEntries(text);
  const listed = new Set(entries.map(({ room }) => room));
  const remedy = "write its entry: purpose, entry file, **Invariant:**, who imports it, its tests";
  const missing = present
    .filter((room) => !listed.has(room))
    .map((room) => ({ path, message: `code map: ${room} is missing`, remedy }));
  const bare = entries
    .filter((entry) => !entry.text.includes("**Invariant:**") || !entry.text.includes("Tests: "))
    .map(({ room }) => ({ path, message: `code map: ${room} is incomplete`, remedy }));
  const gone = [...listed]
    .filter((room) => !present.includes(room))
    .map((room) => ({ path, message: `code map: there is no ${room}`, remedy: "take it out" }));
  return [...missing, ...bare, ...gone];
}

/** A row of a table follows the table's header or another row: a blank line would end the table. */
export function tableFindings(page: SourceFile): Finding[] {
  const lines = prose(page.text).split("\n");
  const isRow = (line = ""): boolean => /^\s*\|/.test(line);
  const isRule = (line = ""): boolean => isRow(line) && /^[\s|:-]+$/.test(line);
  return lines.flatMap((line, index) => {
    if (!isRow(line) || isRow(lines[index - 1]) || isRule(lines[index + 1])) return [];
    const message = "table: a row follows neither a header nor another row";
    const remedy = "take out the blank line above it, or give the table a header";
    return [{ path: page.path, line: index + 1, message, remedy }];
  });
}

/** One row of docs/limits.md: where the value stands in the source. */
export interface LimitRow {
  readonly line: number;
  readonly file: string;
  /** Identifier that must occur in the file. */
  readonly name: string;
}

/** @returns the rows of docs/limits.md, whose last column is `name` in `file`. */
export function limitRows(text: string): LimitRow[] {
  return [...text.matchAll(/^\|.*\| `([^`]+)` in `([^`]+)` \|$/gm)].map((match) => ({
    line: lineAt(text, match.index),
    name: match[1] ?? "",
    file: match[2] ?? "",
  }));
}

/** The name that a row of docs/limits.md gives stands in the file that it gives. */
export function limitFindings(page: SourceFile, textOf: Known["textOf"]): Finding[] {
  return limitRows(page.text).flatMap(({ line, file, name }) => {
    if (textOf(file)?.includes(name) === true) return [];
    const message = `limits: ${name} is not in ${file}`;
    return [{ path: page.path, line, message, remedy: "name where the bound stands now" }];
  });
}
