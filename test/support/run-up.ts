/**
 * `spillway up` as it ships, with a sidecar that the test names.
 *
 *     node run-up.ts FOLDER [--json] -- SIDECAR COMMAND
 */
import type { readSurroundings } from "../../operator/cli/surroundings.ts";
import type { runUp } from "../../operator/cli/up-command.ts";

const dist = (path: string): Promise<unknown> =>
  import(new URL(`../../dist/${path}`, import.meta.url).href);
const up = (await dist("operator/cli/up-command.js")) as { runUp: typeof runUp };
const around = (await dist("operator/cli/surroundings.js")) as {
  readSurroundings: typeof readSurroundings;
};

const [folder = "", ...rest] = process.argv.slice(2);
const [program = "", ...args] = rest.slice(rest.indexOf("--") + 1);
const surroundings = around.readSurroundings({
  env: process.env,
  argv: process.argv,
  cwd: process.cwd(),
  isTerminal: false,
});
const flags = rest[0] === "--json" ? { json: true as const } : {};
process.exit(await up.runUp(folder, flags, surroundings, { sidecarCommand: [program, ...args] }));
