import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise } from "dependency-cruiser";
import { beforeAll, describe, expect, test } from "vitest";
import { arrowRules } from "./arrow-rules.ts";
import { roomOf, rooms, shippedTrees } from "./rooms.ts";
import { paths, top } from "./tree.ts";

const roots = ["sidecar", "operator", "proto/gen", "test", "examples"];

/** @returns one line per forbidden import under a folder. */
async function brokenArrows(baseDir: string): Promise<string[]> {
  const present = roots.filter(
    (root) => baseDir !== top || paths.some((path) => path.startsWith(`${root}/`)),
  );
  const result = await cruise(present, {
    baseDir,
    validate: true,
    ruleSet: { forbidden: [...arrowRules] },
    // Type imports are arrows too; "specify" keeps them apart so that cycles can be by value only.
    tsPreCompilationDeps: "specify",
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".d.ts"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  });
  if (typeof result.output === "string") throw new Error("an object was expected");
  const remedies = new Map(arrowRules.map((rule) => [rule.name, rule.comment]));
  return result.output.summary.violations.map(
    ({ from, to, rule }) => `${from} → ${to}: ${rule.name}. Remedy: ${remedies.get(rule.name)}`,
  );
}

/** Writes a small tree of wrong imports. dependency-cruiser remembers files by relative path, so
 * all of them stand in one tree under names of their own. */
function writeTree(folder: string, files: Record<string, string>): void {
  for (const root of roots) mkdirSync(join(folder, root), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ["node_modules", "package.json"]) {
    symlinkSync(join(top, name), join(folder, name));
  }
}

describe("import arrows", () => {
  test("every import follows the table of rooms, and nothing goes round", {
    timeout: 60_000,
  }, async () => {
    expect(await brokenArrows(top)).toEqual([]);
  });

  test("every file that ships is in a room of the table", () => {
    const shipped = paths.filter((path) =>
      shippedTrees.some((tree) => path.startsWith(`${tree}/`) && path.endsWith(".ts")),
    );
    const homeless = shipped.filter((path) => roomOf(path) === undefined);
    expect(homeless, "add the room in test/tidy/rooms.ts and ARCHITECTURE.md").toEqual([]);
  });

  test("the table itself has no cycle and names only rooms that it has", () => {
    const arrows = new Map(rooms.map((room) => [room.name, room.rooms]));
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      (arrows.get(from) ?? []).some((next) => {
        if (next === to) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, to, seen);
      });
    expect(rooms.filter((room) => reaches(room.name, room.name))).toEqual([]);
    expect(rooms.flatMap((room) => room.rooms).filter((name) => !arrows.has(name))).toEqual([]);
  });
});

describe("import arrows can fail", () => {
  const files: Record<string, string> = {
    "sidecar/node/operator.ts": 'import { a } from "../../operator/schema/a.ts"; a();',
    "operator/schema/a.ts": "export function a(): void {}",
    "sidecar/core/work/upwards.ts": 'import type { A } from "../../node/type.ts"; export let a: A;',
    "sidecar/node/type.ts": "export type A = number;",
    "sidecar/core/work/built-in.ts": 'import { readFileSync } from "node:fs"; readFileSync("a");',
    "sidecar/node/web.ts":
      'import { WebTransport } from "@fails-components/webtransport"; WebTransport;',
    "sidecar/wire/schema.ts": 'import { z } from "zod"; z.string();',
    "sidecar/node/image.ts": 'import sharp from "sharp"; sharp();',
    "operator/local/fixture.ts": 'import { a } from "../../test/support/fixture.ts"; a();',
    "test/support/fixture.ts": "export function a(): void {}",
    "sidecar/node/left.ts": 'import { b } from "./right.ts"; export const a = (): number => b();',
    "sidecar/node/right.ts": 'import { a } from "./left.ts"; export const b = (): number => a();',
    "sidecar/node/gone.ts": 'import { b } from "./not-there.ts"; b();',
    "sidecar/node/deep.ts": 'import { c } from "../store/part.ts"; c();',
    "sidecar/store/part.ts": "export function c(): void {}",
    "sidecar/store/inside.ts": 'import { b } from "./index.ts"; b();',
    "sidecar/store/index.ts": "export function b(): void {}",
  };
  const expected: readonly (readonly [string, string, string])[] = [
    [
      "the sidecar never imports the operator",
      "sidecar/node/operator.ts",
      "arrow from sidecar/node",
    ],
    ["a type is an arrow too", "sidecar/core/work/upwards.ts", "arrow from sidecar/core/work"],
    [
      "no built-in in a PURE room",
      "sidecar/core/work/built-in.ts",
      "built-ins in sidecar/core/work",
    ],
    ["webtransport only in sidecar/transport", "sidecar/node/web.ts", "packages of sidecar/node"],
    ["no zod in the sidecar", "sidecar/wire/schema.ts", "packages of sidecar/wire"],
    ["no devDependency in what ships", "sidecar/node/image.ts", "only packages that ship"],
    ["nothing that ships imports test", "operator/local/fixture.ts", "nothing imports test"],
    ["no circle of two files", "sidecar/node/left.ts", "no cycles"],
    ["no file that is not there", "sidecar/node/gone.ts", "imports resolve"],
    ["a room is entered by its door", "sidecar/node/deep.ts", "door of sidecar/store"],
    ["no room imports its own door", "sidecar/store/inside.ts", "one door per room"],
  ];
  let lines: readonly string[] = [];

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "sw-arrows-"));
    try {
      writeTree(folder, files);
      lines = await brokenArrows(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const [promise, path, rule] of expected) {
    test(promise, () => {
      const found = lines.filter((line) => line.startsWith(`${path} → `));
      expect(found.join("\n")).toContain(`: ${rule}. Remedy: `);
    });
  }
});
