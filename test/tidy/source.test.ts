import { describe, expect, test } from "vitest";
import {
  doorFindings,
  escapeFindings,
  exportsOf,
  functionLengths,
  lengthFindings,
  lineCount,
  optionFieldFindings,
} from "./source-rules.ts";
import { asLines, handWritten, readFiles, type SourceFile, shippedSource } from "./tree.ts";

const all = readFiles(handWritten);
const shipped = all.filter(({ path }) => shippedSource.test(path));
const mayCast = (path: string): boolean => path.startsWith("sidecar/wire/");
/** Programs that a config file of a tool must export by default. */
const isConfig = (path: string): boolean => path.endsWith(".config.ts");

function snippet(text: string, path = "sidecar/node/snippet.ts"): SourceFile {
  return { path, text };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `median ${percentile(sorted, 0.5)}, p90 ${percentile(sorted, 0.9)}, max ${sorted.at(-1) ?? 0}`;
}

describe("source files", () => {
  test("keep the hard limits of length", () => {
    const functions = shipped.flatMap((file) => functionLengths(file).map(({ lines }) => lines));
    process.stdout.write(
      `lines a file: ${spread(shipped.map(({ text }) => lineCount(text)))} (${shipped.length} files); ` +
        `lines a function: ${spread(functions)} (${functions.length} functions)\n`,
    );
    const findings = all.flatMap((file) => lengthFindings(file, shippedSource.test(file.path)));
    expect(asLines(findings)).toEqual([]);
  });

  test("use no any, no !, and no cast outside wire", () => {
    // In tests eslint alone decides: they may cast.
    const files = all.filter(({ path }) => !path.startsWith("test/"));
    expect(asLines(files.flatMap((file) => escapeFindings(file, mayCast(file.path))))).toEqual([]);
  });

  test("name every export, never `export *` or default", () => {
    const files = all.filter(({ path }) => !isConfig(path));
    expect(asLines(files.flatMap(doorFindings))).toEqual([]);
  });

  test("document at least 90 % of the exports", () => {
    const entries = shipped.flatMap((file) =>
      exportsOf(file).map((entry) => ({ ...entry, path: file.path })),
    );
    const bare = entries.filter(({ documented }) => !documented);
    const share = entries.length === 0 ? 1 : 1 - bare.length / entries.length;
    const list = bare.map(({ path, line, name }) => `${path}:${line} ${name}`).join("\n");
    expect(share, `write a doc comment (what, units, errors, source) on:\n${list}`).toBeGreaterThan(
      0.9,
    );
  });

  test("document every option field", () => {
    expect(asLines(shipped.flatMap(optionFieldFindings))).toEqual([]);
  });
});

describe("source rules can fail", () => {
  const long = `export function f(): void {\n${"  f();\n".repeat(70)}}\n`;

  test("a long file, line and function, and too many exports", () => {
    expect(asLines(lengthFindings(snippet("\n".repeat(501)), true))[0]).toContain("501 lines");
    expect(asLines(lengthFindings(snippet(`// ${"x".repeat(98)}`), true))[0]).toContain(
      "101 columns",
    );
    expect(asLines(lengthFindings(snippet(long), true))[0]).toContain("function length: 72 lines");
    const many = Array.from({ length: 9 }, (_, index) => `export const a${index} = 1;`).join("\n");
    expect(asLines(lengthFindings(snippet(many), true))[0]).toContain("value exports: 9");
  });

  test("a sentence in a string is not cut", () => {
    const text = `const a = 1;\nconst b = "${"x ".repeat(60)}";\n`;
    expect(lengthFindings(snippet(text), true)).toEqual([]);
  });

  test("limits of functions do not bind a test's describe", () => {
    expect(lengthFindings(snippet(long), false)).toEqual([]);
  });

  test("any, !, as and enum", () => {
    const text =
      "const a = 1 as any; const b = a!; enum C {} const d = <number>a; const e = 1 as const;";
    const messages = escapeFindings(snippet(text), false).map(({ message }) => message);
    expect(messages).toEqual([
      "escape: a cast (as)",
      "escape: any",
      "escape: a non-null assertion (!)",
      "escape: enum",
      "escape: a cast (as)",
    ]);
    expect(escapeFindings(snippet("const a = 1 as number;"), true)).toEqual([]);
  });

  test("export * and default", () => {
    const text = 'export * from "./a.ts";\nexport default 1;\nexport default function f() {}';
    expect(doorFindings(snippet(text))).toHaveLength(3);
    expect(doorFindings(snippet('export { a } from "./a.ts";'))).toEqual([]);
  });

  test("a bare export and a bare option field", () => {
    const text =
      "/** Said. */\nexport const a = 1;\nexport type B = 1;\nexport interface COptions { d: 1; e: { f: number }; g: Date }";
    const file = snippet(text);
    const bare = exportsOf(file).filter(({ documented }) => !documented);
    expect(bare.map(({ name }) => name)).toEqual(["B", "COptions"]);
    const fields = optionFieldFindings(file).map(({ message }) => message.split(": ")[1]);
    expect(fields).toEqual(["COptions.d", "COptions.e.f"]);
  });
});
