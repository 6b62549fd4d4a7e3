import { expect, test } from "vitest";
import { parse } from "yaml";
import { spillway } from "../../../support/up-process.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { writeFolder } from "../../../support/example-folder.ts";

test("--help lists the commands and the exit codes", () => {
  const { code, stdout } = spillway(["--help"], temporaryFolder());
  expect(code).toBe(0);
  for (const word of ["up", "status", "contract", "send", "explain", "check", "Exit codes:"]) {
    expect(stdout).toContain(word);
  }
});

test("--version is the package's", () => {
  expect(spillway(["--version"], temporaryFolder()).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [["stat"], "unknown command 'stat'"],
  [["up"], "missing required argument 'folder'"],
  [["up", "a", "--jsn"], "unknown option '--jsn'"],
  [["status"], "0 arguments given, expected FOLDER (or -n NAMESPACE)"],
  [["status", "a", "b"], "2 arguments given, expected FOLDER (or -n NAMESPACE)"],
  [["status", "a", "-n", "b"], "1 argument given, expected none"],
  [["status", "-n", "B_"], "Write the name of a namespace."],
  [["send", "a", "{}"], "expected FOLDER (or -n NAMESPACE) DEMAND JSON"],
  [["send", "-n", "shop", "a", "b", "{}"], "expected DEMAND JSON"],
  [["explain", "-n", "shop"], "0 arguments given, expected TICKET"],
  [["check", "--kubeconfig", "/nowhere"], "kubeconfig: /nowhere cannot be read"],
  [["status", "-n", "shop", "--kubeconfig", "/nowhere"], "kubeconfig: /nowhere cannot be read"],
  [["send", "a", "b", "{}", "--wait", "301"], "Write seconds from 0 to 300."],
  [["send", ".", "b", "{bad"], "JSON is malformed"],
  [["send", ".", "b", "{}"], "nothing runs in ."],
  [["explain", ".", "t"], "nothing runs in ."],
  [["status", "/nowhere"], "/nowhere does not exist. Give a folder with manifests"],
  [["contract", "/nowhere"], "/nowhere does not exist. Give a folder with manifests"],
])("spillway %j is refused with exit 2", (args, words) => {
  const { code, stdout, stderr } = spillway(args, temporaryFolder());
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(words);
});

test("contract prints what kubectl takes", () => {
  const folder = writeFolder(temporaryFolder());
  const { code, stdout } = spillway(["contract", folder], temporaryFolder());
  expect(code).toBe(0);
  expect(parse(stdout)).toMatchObject({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "images" } },
    binaryData: { "images.binpb": expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) },
  });
});
