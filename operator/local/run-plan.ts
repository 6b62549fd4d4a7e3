/** What will run, decided before anything does: commands found, ports taken, files placed. */
import { dirname, delimiter } from "node:path";
import type { App } from "../schema/index.ts";
import type { LocatedApp } from "./apps-file.ts";
import { findExecutable } from "./executable.ts";
import type { FolderName } from "./folder-name.ts";
import { runIdVariable } from "./leftovers.ts";
import { LocalError } from "./local-error.ts";
import { fieldProblem } from "./located-document.ts";
import type { ReplicaPlan } from "./replica.ts";
import type { ProcessIdentity } from "./run-record.ts";
import { replicaPaths } from "./state-folder.ts";

/** What is the same for all replicas. */
export interface RunContext {
  readonly folder: FolderName;
  readonly stateFolder: string;
  readonly runId: string;
  /** This process. */
  readonly up: ProcessIdentity;
  /** PATH and HOME of `up` itself. */
  readonly environment: { readonly PATH: string; readonly HOME: string };
  /** The running node. */
  readonly nodePath: string;
  /** Command of a sidecar, before `--config FILE --parent-pipe 0`. */
  readonly sidecarCommand: readonly [string, ...string[]];
}

/** PATH of the programs: `node` is the one that runs `up`, whatever the machine has. */
export function programPath({ environment, nodePath }: RunContext): string {
  return [dirname(nodePath), environment.PATH].join(delimiter);
}

/**
 * Plans every replica.
 * @param ports by program name, one per replica.
 * @throws {LocalError} `COMMAND_NOT_FOUND`, `SOCKET_PATH_TOO_LONG`.
 */
export function planReplicas(
  apps: readonly LocatedApp[],
  ports: ReadonlyMap<string, readonly number[]>,
  context: RunContext,
): readonly ReplicaPlan[] {
  return apps.flatMap((located) => {
    const { app } = located;
    const executable = locateCommand(located, context);
    return Array.from({ length: app.replicas }, (_, replica) => {
      const port = ports.get(app.name)?.[replica];
      return planReplica({ app, replica, port, executable }, context);
    });
  });
}

function planReplica(
  one: {
    readonly app: App;
    readonly replica: number;
    readonly port: number | undefined;
    readonly executable: string;
  },
  context: RunContext,
): ReplicaPlan {
  const { app, replica, port, executable } = one;
  const name = `${app.name}-${replica}`;
  const paths = replicaPaths(context.stateFolder, name);
  const { HOME } = context.environment;
  const PATH = programPath(context);
  return {
    program: app.name,
    replica,
    name,
    nodeId: `${name}.${context.folder.hash8}`,
    labels: app.labels,
    port,
    paths,
    programProcess: {
      command: [executable, ...app.command.slice(1)],
      folder: context.folder.path,
      // Nothing else of this process's environment: what a program gets is written in apps.yaml.
      environment: {
        ...app.env,
        PATH,
        HOME,
        SPILLWAY_SOCKET: paths.appSocket,
        ...(port === undefined ? {} : { PORT: String(port) }),
      },
      holdsPipe: false,
    },
    sidecarProcess: {
      // Standard input is the pipe that tells it that `up` lives, and which program runs.
      command: [...context.sidecarCommand, "--config", paths.configFile, "--parent-pipe", "0"],
      folder: context.stateFolder,
      environment: { PATH, HOME, [runIdVariable]: context.runId },
      holdsPipe: true,
    },
  };
}

function locateCommand({ app, document, path }: LocatedApp, context: RunContext): string {
  const [command = ""] = app.command;
  const where = { folder: context.folder.path, searchPath: programPath(context) };
  const executable = findExecutable(command, where);
  if (executable !== undefined) return executable;
  const place = command.includes("/") ? "is no file that may be run" : "is found nowhere on PATH";
  const problem = `"${command}" ${place} (program ${app.name})`;
  const remedy = "Install it, or write the path of the program.";
  throw new LocalError("COMMAND_NOT_FOUND", [
    fieldProblem(document, [...path, "command", 0], { problem, remedy }),
  ]);
}
