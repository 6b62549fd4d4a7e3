/** proto/: linted, formatted, compatible with what is on main, and generated anew. */
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { crdFiles } from "../support/crd-files.ts";
import { documentedWords, referencePages } from "../support/reference-pages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runTool, type ToolRun } from "./run-tool.ts";
import { paths, top } from "./tree.ts";

const timeout = 60_000;

function buf(args: readonly string[], cwd = "proto"): Promise<ToolRun> {
  return runTool("node_modules/@bufbuild/buf/bin/buf", args, cwd);
}

/** @returns path → text of every file below a folder. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const entries = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(folder.length + 1), readFileSync(path, "utf8")] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

describe("proto", () => {
  test("buf lint finds nothing", { timeout }, async () => {
    const { output, exitCode } = await buf(["lint"]);
    expect(exitCode, output).toBe(0);
  });

  test("buf format would change nothing", { timeout }, async () => {
    const { output, exitCode } = await buf(["format", "--diff", "--exit-code"]);
    expect(exitCode, `run npm run proto:\n${output}`).toBe(0);
  });
});

describe("messages of the last version with a migration note", () => {
  test("are not broken", { timeout }, async () => {
    const { output, exitCode } = await buf(["breaking", "--against", "baseline.binpb"]);
    const remedy =
      "reserve the field and add another, or: a new value of `framing`, a migration note in " +
      "CHANGELOG.md, and npm run proto:baseline";
    expect(exitCode, `${remedy}:\n${output}`).toBe(0);
  });
});

describe("generated code", () => {
  const folders = paths
    .filter((path) => /(^|\/)buf\.gen\.yaml$/.test(path))
    .map((path) => dirname(path));

  test("is looked for wherever a buf.gen.yaml stands", () => {
    const known = ["examples/thumbnails", "proto", "test/support/seed-programs"];
    expect(folders).toEqual(expect.arrayContaining(known));
  });

  test.each(folders)("%s: is what buf generate makes now", { timeout }, async (folder) => {
    const made = temporaryFolder();
    const { output, exitCode } = await buf(["generate", "-o", made], folder);
    expect(exitCode, output).toBe(0);
    const fresh = contents(join(made, "gen"));
    const committed = contents(join(top, folder, "gen"));
    expect(Object.keys(committed), "run npm run proto").toEqual(Object.keys(fresh));
    for (const [path, text] of Object.entries(fresh)) {
      expect(committed[path] === text, `${folder}/gen/${path} differs: npm run proto`).toBe(true);
    }
  });
});

describe("pages made from the source", () => {
  test("are what npm run docs makes now", async () => {
    for (const [path, text] of Object.entries(await referencePages())) {
      const committed = readFileSync(join(top, path), "utf8");
      expect(committed === text, `${path} differs: run npm run docs`).toBe(true);
    }
  });

  test("refuse a list that has no words or a word without a sentence", () => {
    expect(() => documentedWords("sidecar/sdk/sdk-error.ts", "Gone")).toThrow("there is no list");
    const bare = (): unknown => documentedWords("sidecar/core/work/refusal.ts", "WorkRefusalCode");
    expect(bare).toThrow("no sentence above");
  });
});

describe("definitions of the resources", () => {
  test("are what npm run crds makes now, and nothing else", () => {
    const made = crdFiles();
    const committed = paths.filter((path) => path.startsWith("crds/"));
    expect(committed, "run npm run crds").toEqual(Object.keys(made).sort());
    for (const [path, text] of Object.entries(made)) {
      const same = readFileSync(join(top, path), "utf8") === text;
      expect(same, `${path} differs: run npm run crds`).toBe(true);
    }
  });
});

describe("the checks of proto can fail", () => {
  /** A copy of proto/ in which one file is changed. */
  function changed(change: (text: string) => string): string {
    const folder = temporaryFolder();
    cpSync(join(top, "proto"), join(folder, "proto"), {
      recursive: true,
      filter: (path) => !path.includes("/gen"),
    });
    const file = join(folder, "proto/spillway/work/v1/work.proto");
    writeFileSync(file, change(readFileSync(file, "utf8")));
    return folder;
  }

  test("on a message without the style", { timeout }, async () => {
    const folder = changed((text) => `${text}\nmessage lower_case { uint32 Upper = 1; }\n`);
    expect((await buf(["lint", join(folder, "proto")])).exitCode).not.toBe(0);
    expect(
      (await buf(["format", "--diff", "--exit-code", join(folder, "proto")])).exitCode,
    ).not.toBe(0);
  });

  test("on a field whose number was changed", { timeout }, async () => {
    const folder = changed((text) => text.replace("uint64 sequence = 1;", "uint64 sequence = 99;"));
    const args = ["breaking", join(folder, "proto"), "--against", join(top, "proto")];
    const { output, exitCode } = await buf(args);
    expect(exitCode).not.toBe(0);
    expect(output).toContain("work.proto");
  });

  test("on generated code that is older than its source", { timeout }, async () => {
    const folder = changed(
      (text) => `${text}\n// Added.\nmessage Added {\n  // One.\n  uint32 one = 1;\n}\n`,
    );
    mkdirSync(join(folder, "out"));
    const { output, exitCode } = await buf([
      "generate",
      join(folder, "proto"),
      "-o",
      join(folder, "out"),
    ]);
    expect(exitCode, output).toBe(0);
    const fresh = contents(join(folder, "out/gen"));
    expect(fresh).not.toEqual(contents(join(top, "proto/gen")));
  });
});
