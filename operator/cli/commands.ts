/** Every command of `spillway`, with its help. */
import { Command } from "commander";
import { explainItem, refuseBadJson, sendItem, statusText } from "../inspect/index.ts";
import {
  configMapYaml,
  folderSections,
  loadManifests,
  placesOf,
  statusOf,
} from "../local/index.ts";
import { answering, type ExitCode, exitCode, exitCodeHelp, parseWaitSeconds } from "./exit-code.ts";
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
  explainCommand(program, context);
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
        process.stdout.write(flags.json === true ? text : statusText(folderSections(status)));
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
        refuseBadJson(json);
        const places = placesOf(folder, surroundings.stateRoots);
        const { body, good } = await sendItem(places, { demand, json, waitSeconds });
        process.stdout.write(`${JSON.stringify(body, undefined, 2)}\n`);
        return good ? exitCode.done : exitCode.bad;
      });
      onDone(code);
    });
}

function explainCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  program
    .command("explain")
    .description("Tell why an item is not moving.")
    .argument("<folder>", folderHelp)
    .argument("<ticket>", "as send answered it")
    .option("--json", "the sidecar's answer as one JSON object")
    .action(async (folder: string, ticket: string, flags: { readonly json?: true }) => {
      const code = await answering(async () => {
        const places = placesOf(folder, surroundings.stateRoots);
        const { body, text, good } = await explainItem(places, ticket);
        const json = `${JSON.stringify(body, undefined, 2)}\n`;
        process.stdout.write(flags.json === true ? json : text);
        return good ? exitCode.done : exitCode.bad;
      });
      onDone(code);
    });
}
