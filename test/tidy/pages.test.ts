import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import {
  blocksOf,
  commandFindings,
  type Known,
  limitFindings,
  limitRows,
  linkFindings,
  mapFindings,
  pathFindings,
  tableFindings,
} from "./page-rules.ts";
import { roomOf, rooms } from "./rooms.ts";
import { asLines, paths, readFiles, type SourceFile, top } from "./tree.ts";

const pages = readFiles(/\.md$/);

function read(path: string): string | undefined {
  const file = join(top, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** @returns the subcommands that `spillway --help` lists. */
function subcommands(): Set<string> {
  const main = join(top, "dist/operator/cli/main.js");
  const help = execFileSync(process.execPath, [main, "--help"], { encoding: "utf8" });
  const list = /^Commands:\n([\s\S]*)/m.exec(help)?.[1] ?? "";
  return new Set([...list.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? ""));
}

function knownHere(): Known {
  const manifest = JSON.parse(read("package.json") ?? "{}") as Record<
    "scripts" | "bin",
    Record<string, string>
  >;
  return {
    // A room without a folder of its own (`sidecar/main`) is named like one.
    paths: new Set([...paths, ...rooms.map((room) => room.name)]),
    scripts: new Set(Object.keys(manifest.scripts)),
    programs: new Set([
      ...readdirSync(join(top, "node_modules/.bin")),
      ...Object.keys(manifest.bin),
    ]),
    subcommands: subcommands(),
    textOf: read,
  };
}

describe("pages", () => {
  test("name only links, commands and paths that exist", () => {
    const known = knownHere();
    const findings = pages.flatMap((page) => [
      ...linkFindings(page, known),
      ...commandFindings(page, known),
      ...pathFindings(page, known),
    ]);
    expect(asLines(findings)).toEqual([]);
  });

  test("hold TypeScript that parses", () => {
    const broken = pages.flatMap((page) =>
      blocksOf(page.text)
        .filter(({ language }) => language === "ts")
        .flatMap((block) => {
          const options = {
            reportDiagnostics: true,
            compilerOptions: { module: ts.ModuleKind.ESNext },
          };
          const { diagnostics = [] } = ts.transpileModule(block.text, options);
          return diagnostics.map(
            ({ messageText }) => `${page.path}:${block.line}: ${JSON.stringify(messageText)}`,
          );
        }),
    );
    expect(broken).toEqual([]);
  });

  test("hold tables without a gap", () => {
    expect(asLines(pages.flatMap(tableFindings))).toEqual([]);
  });

  test("map every room in ARCHITECTURE.md", () => {
    const present = rooms.filter((room) =>
      paths.some((path) => path.endsWith(".ts") && roomOf(path) === room),
    );
    const names = present.map((room) => room.name);
    expect(asLines(mapFindings(read("ARCHITECTURE.md") ?? "", names))).toEqual([]);
  });

  test("say of each limit where it stands", () => {
    const page = { path: "docs/limits.md", text: read("docs/limits.md") ?? "" };
    expect(limitRows(page.text).length).toBeGreaterThan(20);
    expect(asLines(limitFindings(page, read))).toEqual([]);
  });

  test("open the README with the two commands and the picture", () => {
    const opening = (read("README.md") ?? "").split("\n").slice(0, 25).join("\n");
    expect(opening).toContain("npm ci && npm start");
    expect(opening).toContain("npm ci && npm test");
    expect(opening).toContain("docs/images/thumbnails.png");
  });
});

describe("rules of pages can fail", () => {
  const known: Known = {
    paths: new Set(["README.md", "docs/limits.md", "sidecar/wire/frame.ts"]),
    scripts: new Set(["bench", "test"]),
    programs: new Set(["vitest"]),
    subcommands: new Set(["up"]),
    textOf: () => "# Limits\n\n## The one heading",
  };
  const page = (text: string, path = "README.md"): SourceFile => ({ path, text });

  test("links", () => {
    expect(linkFindings(page("[a](docs/limits.md#the-one-heading)"), known)).toEqual([]);
    expect(linkFindings(page("[a](../README.md)", "docs/limits.md"), known)).toEqual([]);
    expect(linkFindings(page("[a](docs/gone.md)"), known)).toHaveLength(1);
    expect(linkFindings(page("[a](docs/limits.md#gone)"), known)).toHaveLength(1);
    expect(linkFindings(page("![a](docs/images/gone.png)"), known)).toHaveLength(1);
    expect(linkFindings(page("`[a-z](gone)*`"), known)).toEqual([]);
  });

  test("commands", () => {
    const wrong = (text: string): number => commandFindings(page(text), known).length;
    expect(
      wrong("`npm run bench -- transport`, `npm test`, `npx vitest run`, `spillway up a`"),
    ).toBe(0);
    expect(wrong("`npm run gone`")).toBe(1);
    expect(wrong("```sh\nnpm ci && npm start\n```")).toBe(1);
    expect(wrong("`npx gone`")).toBe(1);
    expect(wrong("```sh\nspillway gone folder\n```")).toBe(1);
    expect(wrong("```sh\nnode examples/draw.ts samples\n```")).toBe(1);
    expect(wrong("`npm ci && node --no-warnings draw.ts`")).toBe(1);
    expect(wrong("`node dist/main.js`, `node`, or a node of `frame.ts`")).toBe(0);
  });

  test("paths", () => {
    expect(
      pathFindings(page("`sidecar/wire/frame.ts` `sidecar/wire/` `test/*.ts`"), known),
    ).toEqual([]);
    expect(pathFindings(page("`sidecar/wire/gone.ts`"), known)).toHaveLength(1);
  });

  test("tables", () => {
    const wrong = (text: string): number => tableFindings(page(text)).length;
    expect(wrong("| a |\n|---|\n| 1 |\n| 2 |\n\ntext")).toBe(0);
    expect(wrong("| a |\n|---|\n| 1 |\n\n| 2 |\n| 3 |")).toBe(1);
    expect(wrong("```text\n\n| drawn |\n```")).toBe(0);
  });

  test("code map", () => {
    const entry = (room: string): string => `#### \`${room}\`\n**Invariant:** none. Tests: all.\n`;
    expect(mapFindings(entry("sidecar/wire"), ["sidecar/wire"])).toEqual([]);
    expect(mapFindings(entry("sidecar/wire"), [])).toHaveLength(1);
    expect(mapFindings("", ["sidecar/wire"])).toHaveLength(1);
    expect(mapFindings("#### `sidecar/wire`\nNothing.\n", ["sidecar/wire"])).toHaveLength(1);
  });

  test("limits", () => {
    const limits = page("| a | 1 | none | `theHeading` in `docs/limits.md` |", "docs/limits.md");
    expect(limitFindings(limits, known.textOf)).toHaveLength(1);
    expect(limitFindings(limits, () => "const theHeading = 1;")).toEqual([]);
  });

  test("snippets", () => {
    expect(blocksOf("```ts\nconst a = 1;\n```\n")).toEqual([
      { language: "ts", text: "const a = 1;", line: 1 },
    ]);
  });
});
