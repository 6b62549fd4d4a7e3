import { describe, expect, test } from "vitest";
import { completeLock, type LockFile, missingPackages } from "../support/complete-lock-file.ts";
import {
  installScriptFindings,
  mirrorFindings,
  nameFindings,
  versionFindings,
  wordFindings,
} from "./tree-rules.ts";
import { asLines, paths, readFiles } from "./tree.ts";

const known = new Set(paths);
const textFiles = /\.(ts|js|mjs|json|md|ya?ml|proto|html|css|sh|toml|txt)$|^\.ci\//;

describe("the tree", () => {
  test("names files and folders in kebab-case, and none after what they are not about", () => {
    expect(asLines(paths.flatMap(nameFindings))).toEqual([]);
  });

  test("has each unit test where its source is", () => {
    expect(asLines(paths.flatMap((path) => mirrorFindings(path, known)))).toEqual([]);
  });

  test("holds no unfinished marks, no path of a machine, no registry host", () => {
    expect(asLines(readFiles(textFiles).flatMap(wordFindings))).toEqual([]);
  });

  test("depends on exact versions, and the lock file agrees", () => {
    const manifests = readFiles(/(^|\/)package\.json$/);
    expect(manifests.length).toBeGreaterThan(0);
    expect(asLines(manifests.flatMap(versionFindings))).toEqual([]);
    expect(known.has("package-lock.json"), "commit package-lock.json").toBe(true);
  });

  test("locks the packages of every platform, or npm ci refuses the file", () => {
    const [file] = readFiles(/^package-lock\.json$/);
    const lock = JSON.parse(file?.text ?? "") as LockFile;
    expect(missingPackages(lock), "run npm run lock").toEqual([]);
  });

  test("says of every package with a script of installation whether it may run", () => {
    const [file] = readFiles(/^package-lock\.json$/);
    const [manifest] = readFiles(/^package\.json$/);
    const lock = JSON.parse(file?.text ?? "") as LockFile;
    const { allowScripts } = JSON.parse(manifest?.text ?? "") as {
      allowScripts: Record<string, boolean>;
    };
    expect(asLines(installScriptFindings(lock, allowScripts))).toEqual([]);
  });
});

describe("rules of the tree can fail", () => {
  test("install scripts", () => {
    const lock = {
      packages: {
        "": { version: "1.0.0" },
        "node_modules/a": { version: "1.0.0", hasInstallScript: true },
        "node_modules/b": { version: "1.0.0" },
        "node_modules/b/node_modules/@c/d": { version: "1.0.0", hasInstallScript: true },
      },
    };
    expect(installScriptFindings(lock, { a: false, "@c/d": true })).toEqual([]);
    expect(asLines(installScriptFindings(lock, { a: true }))[0]).toContain("@c/d");
    expect(asLines(installScriptFindings(lock, { a: true, "@c/d": true, b: true }))).toEqual([
      "package.json: install scripts: b has none. Remedy: take it out of allowScripts",
    ]);
  });

  test("names", () => {
    expect(asLines(nameFindings("sidecar/wire/frameCodec.ts"))[0]).toContain("not kebab-case");
    expect(asLines(nameFindings("sidecar/Wire/frame.ts"))[0]).toContain("not kebab-case");
    expect(asLines(nameFindings("sidecar/wire/utils.ts"))[0]).toContain("says nothing");
    expect(asLines(nameFindings("sidecar/helpers/frame.ts"))[0]).toContain("says nothing");
    expect(nameFindings("sidecar/wire/frame.codec.test.ts")).toEqual([]);
    expect(nameFindings("README.md")).toEqual([]);
    expect(nameFindings("examples/thumbnails/gen/thumbnail_pb.ts")).toEqual([]);
    expect(nameFindings("examples/thumbnails/thumbnail_pb.ts")).toHaveLength(1);
  });

  test("mirrors", () => {
    const files = new Set(["sidecar/wire/frame.ts"]);
    expect(mirrorFindings("test/unit/sidecar/wire/frame.test.ts", files)).toEqual([]);
    expect(mirrorFindings("test/unit/sidecar/wire/frame.fuzz.test.ts", files)).toEqual([]);
    expect(mirrorFindings("test/unit/sidecar/wire/farme.test.ts", files)).toHaveLength(1);
  });

  test("words", () => {
    const wrong = (text: string): number => wordFindings({ path: "a.ts", text }).length;
    expect(wrong(`// ${"TO"}DO later`)).toBe(1);
    expect(wrong(`// ${"FIX"}ME`)).toBe(1);
    expect(wrong(`cd ${"/wo"}rk/main`)).toBe(1);
    expect(wrong(`open ${"/ho"}me/ada/notes`)).toBe(1);
    expect(wrong(`npm i --registry ${"https://reg"}istry.example.org`)).toBe(1);
    expect(wrong("// the work that remains")).toBe(0);
  });

  test("a lock file without another platform's package", () => {
    const optionalDependencies = { "@a/cli-darwin-arm64": "1.0.0", "@a/cli-linux-x64": "1.0.0" };
    const lock: LockFile = {
      packages: {
        "": {},
        "node_modules/@a/cli": { version: "1.0.0", dev: true, optionalDependencies },
        "node_modules/@a/cli-linux-x64": { version: "1.0.0" },
      },
    };
    expect(missingPackages(lock).map(({ name }) => name)).toEqual(["@a/cli-darwin-arm64"]);
    const whole = completeLock(lock);
    expect(missingPackages(whole)).toEqual([]);
    expect(whole.packages["node_modules/@a/cli-darwin-arm64"]).toEqual({
      version: "1.0.0",
      cpu: ["arm64"],
      dev: true,
      optional: true,
      os: ["darwin"],
    });
  });

  test("versions", () => {
    const file = { path: "package.json", text: '{"dependencies":{"a":"^1.2.3","b":"1.2.3"}}' };
    expect(asLines(versionFindings(file))).toEqual([
      "package.json: versions: a@^1.2.3 is a range. Remedy: npm install --save-exact",
    ]);
  });
});
