/** What the command line finds around itself. Read once, in main, and passed down. */
import { tmpdir } from "node:os";
import { basename, dirname, relative } from "node:path";
import type { StateRoots } from "../local/index.ts";

/** See the head of the file. */
export interface Surroundings {
  readonly environment: { readonly PATH: string; readonly HOME: string };
  readonly stateRoots: StateRoots;
  /** Standard output shows colours. */
  readonly colour: boolean;
  /** How a person calls this program from here. */
  readonly ownCommand: string;
}

/** What of the process is looked at. */
export interface ProcessView {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly isTerminal: boolean;
}

/**
 * Reads PATH, HOME, XDG_RUNTIME_DIR and NO_COLOR (https://no-color.org).
 * Output that is no terminal gets the same lines without colours; `--json` asks for JSON lines.
 */
export function readSurroundings({ env, argv, cwd, isTerminal }: ProcessView): Surroundings {
  const runtimeFolder = env["XDG_RUNTIME_DIR"];
  const hasRuntimeFolder = runtimeFolder !== undefined && runtimeFolder !== "";
  return {
    environment: { PATH: env["PATH"] ?? "/usr/bin:/bin", HOME: env["HOME"] ?? "/" },
    stateRoots: {
      ...(hasRuntimeFolder ? { runtimeFolder } : {}),
      temporaryFolder: tmpdir(),
    },
    colour: isTerminal && (env["NO_COLOR"] ?? "") === "",
    ownCommand: ownCommand(argv[1] ?? "", cwd),
  };
}

/** The compiled entry in the package's own folder. */
const ownScript = "dist/operator/cli/main.js";

/**
 * An installed program is called by its name; in the package's own folder, and where the package is
 * a dependency, npx finds it and the Node it needs; any other file is called by its path.
 */
function ownCommand(script: string, cwd: string): string {
  if (basename(script) === "spillway") {
    return dirname(script).endsWith("node_modules/.bin") ? "npx spillway" : "spillway";
  }
  const near = relative(cwd, script);
  if (near === ownScript) return "npx spillway";
  return `node ${near.startsWith("..") ? script : near}`;
}
