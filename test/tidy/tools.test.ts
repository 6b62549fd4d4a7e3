/** The linters and the compiler over the whole tree, as `npm run check` runs them. */
import { ESLint, Linter } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, test } from "vitest";
import { roomOf, rooms } from "./rooms.ts";
import { runTool } from "./run-tool.ts";
import { paths, top } from "./tree.ts";

const wholeTreeMs = 120_000;

describe("tools", () => {
  test("eslint with type information finds nothing", { timeout: wholeTreeMs }, async () => {
    const lint = ["node_modules/eslint/bin/eslint.js", [".", "--max-warnings", "0"]] as const;
    const { output, exitCode } = await runTool(...lint);
    expect(output).toBe("");
    expect(exitCode, "npm run lint shows the same").toBe(0);
  });

  test("biome would format nothing differently", { timeout: wholeTreeMs }, async () => {
    const { output, exitCode } = await runTool("node_modules/@biomejs/biome/bin/biome", [
      "format",
      ".",
    ]);
    expect(exitCode, `run npm run fix:\n${output}`).toBe(0);
  });

  test("PURE rooms compile without Node's types", { timeout: wholeTreeMs }, async () => {
    const { output, exitCode } = await runTool("node_modules/typescript/bin/tsc", [
      "-p",
      "tsconfig.pure.json",
    ]);
    expect(exitCode, `a PURE room uses something of Node:\n${output}`).toBe(0);
  });

  test("the whole tree compiles", { timeout: wholeTreeMs }, async () => {
    const { output, exitCode } = await runTool("node_modules/typescript/bin/tsc", [
      "-p",
      "tsconfig.json",
    ]);
    expect(exitCode, output).toBe(0);
  });
});

describe("PURE rooms", () => {
  const eslint = new ESLint({ cwd: top });
  const pure = rooms.filter((room) => room.pure === true);
  const present = pure.filter((room) => paths.some((path) => roomOf(path) === room));

  /** @returns the rules that the project's configuration reports for a snippet in a room. */
  async function verdictOn(code: string, path: string): Promise<string[]> {
    const config = (await eslint.calculateConfigForFile(`${top}/${path}`)) as Linter.Config;
    const syntactic = Object.entries(config.rules ?? {}).filter(([name]) => !name.includes("/"));
    const linter = new Linter({ configType: "flat" });
    const messages = linter.verify(
      code,
      {
        files: ["**/*.ts"],
        languageOptions: { parser: tseslint.parser },
        rules: Object.fromEntries(syntactic),
      },
      path,
    );
    return messages.map(({ ruleId, message }) => ruleId ?? message);
  }

  const wrong: readonly (readonly [string, string])[] = [
    ["the clock", "export const a = Date.now();"],
    ["the clock through new Date", "export const a = new Date();"],
    ["the clock through globalThis", "export const a = globalThis.Date.now();"],
    ["a timer", "setTimeout(() => 1, 1);"],
    ["chance", "export const a = Math.random();"],
    ["the environment", 'export const a = process.env["A"];'],
    ["printing", 'console.log("a");'],
    ["an async function", "export async function a(): Promise<void> {}"],
    ["a promise callback", "export const a = async (): Promise<void> => {};"],
    ["an enum", "export enum A { B }"],
    ["a network call", 'fetch("a");'],
  ];

  for (const [what, code] of wrong) {
    test(`refuse ${what}`, async () => {
      for (const room of present) {
        const found = await verdictOn(code, `${room.name}/snippet.ts`);
        const hint = `${room.name} is PURE: add it to pureRooms in eslint.config.js`;
        expect(found.join(), hint).toMatch(/no-restricted-/);
      }
    });
  }

  test("accept a decision that takes its time as an argument", async () => {
    const code = "export function late(nowMs: number): boolean { return nowMs > 5; }";
    expect(await verdictOn(code, "sidecar/core/work/snippet.ts")).toEqual([]);
  });

  test("are all compiled by tsconfig.pure.json", async () => {
    const { output } = await runTool("node_modules/typescript/bin/tsc", [
      "-p",
      "tsconfig.pure.json",
      "--listFilesOnly",
    ]);
    const listed = new Set(output.split("\n").map((path) => path.replace(`${top}/`, "")));
    const expected = paths.filter((path) => path.endsWith(".ts") && roomOf(path)?.pure === true);
    const missing = expected.filter((path) => !listed.has(path));
    expect(missing, "add the room to include of tsconfig.pure.json").toEqual([]);
  });
});

describe("rules for everybody", () => {
  test("refuse floating promises, any, ! and five positional parameters", async () => {
    const eslint = new ESLint({ cwd: top });
    const config = (await eslint.calculateConfigForFile(
      `${top}/sidecar/node/a.ts`,
    )) as Linter.Config;
    const rules = config.rules ?? {};
    const severity = (name: string): unknown => [rules[name]].flat()[0];
    for (const name of [
      "@typescript-eslint/no-floating-promises",
      "@typescript-eslint/no-misused-promises",
      "@typescript-eslint/no-explicit-any",
      "@typescript-eslint/no-non-null-assertion",
      "no-console",
    ]) {
      expect(severity(name), `${name} must be an error in eslint.config.js`).toBe(2);
    }
    expect(rules["max-params"]).toEqual([2, 4]);
  });
});
