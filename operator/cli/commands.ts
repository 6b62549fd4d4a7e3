/** Every command of `spillway`, with its help. */
import { Command } from "commander";
import {
  configMapYaml,
  LocalError,
  loadManifests,
  sendItem,
  statusOf,
  statusText,
} from "../local/index.ts";
import { errorText, type ExitCode, exitCode, exitCodeHelp, parseWaitSeconds } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";
import { runUp, type UpFlags } from "./up-command.ts";

/** How long `send --wait` waits unless told, seconds. */
const defaultWaitSeconds = 30;

/** What the commands work with. */
export interface CommandContext {
  readonly surroundings: Surroundings;
  readonly version: string;
  /** Gets the exit code of the command that ran. */
  readonly onDone: (code: ExitCode) => void;
}

/** Builds the command line. */
export function createCommands(context: CommandContext): Command {
  const program = new Command("spillway")
    .description("Pull work between programs, each beside a sidecar, without a broker.")
    .version(context.version)
    .addHelpText("after", exitCodeHelp)
    .showHelpAfterError("(spillway --help lists the commands)")
    .exitOverride();
  upCommand(program, context);
  statusCommand(program, context);
  contractCommand(program, context);
  sendCommand(program, context);
  return program;
}

const folderHelp = "folder with manifests, .proto files and apps.yaml";

function upCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  program
    .command("up")
    .description("Run the programs of a folder, each beside a sidecar, until Ctrl-C.")
    .argument("<folder>", folderHelp)
    .option("--json", "one JSON object per line in the place of text")
    .action(async (folder: string, flags: UpFlags) => {
      onDone(await runUp(folder, flags, surroundings));
    });
}

function statusCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  program
    .command("status")
    .description("Tell what runs in a folder: programs, demands, capabilities, problems.")
    .argument("<folder>", folderHelp)
    .option("--json", "the state as one JSON object")
    .action(async (folder: string, flags: { readonly json?: true }) => {
      const code = await answering(async () => {
        const status = await statusOf(folder, surroundings.stateRoots);
        if (status === undefined) {
          process.stderr.write(`spillway: nothing runs in ${folder}. ${startHint(folder)}\n`);
          return exitCode.refused;
        }
        const text = `${JSON.stringify(status, undefined, 2)}\n`;
        process.stdout.write(flags.json === true ? text : statusText(status));
        return status.problems.length === 0 ? exitCode.done : exitCode.bad;
      });
      onDone(code);
    });
}

function startHint(folder: string): string {
  return `Start it with spillway up ${folder}.`;
}

function contractCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  program
    .command("contract")
    .description("Print the ConfigMaps that a cluster needs in the place of the .proto files.")
    .argument("<folder>", folderHelp)
    .action(async (folder: string) => {
      const code = await answering(async () => {
        const { configMaps } = await loadManifests(folder, surroundings.environment);
        process.stdout.write(configMapYaml(configMaps));
        return exitCode.done;
      });
      onDone(code);
    });
}

interface SendFlags {
  readonly wait?: true | number;
}

function sendCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  program
    .command("send")
    .description("Add one item to a demand of a running folder.")
    .argument("<folder>", folderHelp)
    .argument("<demand>", "name of the demand")
    .argument("<json>", "the request message as JSON")
    .option(
      "--wait [seconds]",
      `wait for the outcome (default: ${defaultWaitSeconds} s)`,
      parseWaitSeconds,
    )
    .action(async (folder: string, demand: string, json: string, flags: SendFlags) => {
      const waitSeconds = flags.wait === true ? defaultWaitSeconds : flags.wait;
      const code = await answering(async () => {
        const request = { folder, demand, json, waitSeconds };
        const { body, good } = await sendItem(request, surroundings.stateRoots);
        process.stdout.write(`${JSON.stringify(body, undefined, 2)}\n`);
        return good ? exitCode.done : exitCode.bad;
      });
      onDone(code);
    });
}

/** Runs a command whose refusals are told without a stack, with exit code 2. */
async function answering(act: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await act();
  } catch (error) {
    process.stderr.write(`spillway: ${errorText(error)}\n`);
    return error instanceof LocalError ? exitCode.refused : exitCode.bad;
  }
}
