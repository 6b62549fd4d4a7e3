/** Every command of `spillway`, with its help. */
import { Command } from "commander";
import { configMapYaml, loadManifests } from "../local/index.ts";
import { checkCommand } from "./check-command.ts";
import type { CommandContext } from "./command-context.ts";
import { answering, exitCode, exitCodeHelp } from "./exit-code.ts";
import { folderHelp } from "./target.ts";
import { runUp, type UpFlags } from "./up-command.ts";
import { workCommands } from "./work-commands.ts";

/** Builds the command line. */
export function createCommands(context: CommandContext): Command {
  const program = new Command("spillway")
    .description("Pull work between programs, each beside a sidecar, without a broker.")
    .version(context.version)
    .addHelpText("after", exitCodeHelp)
    .showHelpAfterError("(spillway --help lists the commands)")
    .exitOverride();
  upCommand(program, context);
  workCommands(program, context);
  contractCommand(program, context);
  checkCommand(program, context);
  return program;
}

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
