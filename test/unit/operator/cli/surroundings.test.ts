import { expect, test } from "vitest";
import { readSurroundings } from "../../../../operator/cli/surroundings.ts";

const view = {
  env: {},
  argv: ["node", "/w/dist/operator/cli/main.js"],
  cwd: "/w",
  isTerminal: true,
};

test("colours are for terminals whose user did not refuse them", () => {
  expect(readSurroundings(view).colour).toBe(true);
  expect(readSurroundings({ ...view, isTerminal: false }).colour).toBe(false);
  expect(readSurroundings({ ...view, env: { NO_COLOR: "1" } }).colour).toBe(false);
});

test("printed commands are those that work here", () => {
  expect(readSurroundings(view).ownCommand).toBe("npx spillway");
  expect(readSurroundings({ ...view, cwd: "/other" }).ownCommand).toBe(
    "node /w/dist/operator/cli/main.js",
  );
  expect(readSurroundings({ ...view, cwd: "/w/dist" }).ownCommand).toBe(
    "node operator/cli/main.js",
  );
  const dependency = ["node", "/app/node_modules/.bin/spillway"];
  expect(readSurroundings({ ...view, argv: dependency }).ownCommand).toBe("npx spillway");
  const installed = ["node", "/usr/local/bin/spillway"];
  expect(readSurroundings({ ...view, argv: installed }).ownCommand).toBe("spillway");
});

test("an empty XDG_RUNTIME_DIR is none", () => {
  expect(readSurroundings({ ...view, env: { XDG_RUNTIME_DIR: "" } }).stateRoots).not.toHaveProperty(
    "runtimeFolder",
  );
});
