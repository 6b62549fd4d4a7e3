/** `status`, `send` and `explain`: of a folder, and the same of a namespace of a cluster. */
import type { Command } from "commander";
import { clusterSections } from "../cluster/index.ts";
import {
  explainItem,
  refuseBadJson,
  sendItem,
  type StatusSections,
  statusText,
} from "../inspect/index.ts";
import { folderSections, statusOf } from "../local/index.ts";
import type { CommandContext } from "./command-context.ts";
import { answering, type ExitCode, exitCode, parseWaitSeconds } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";
import { addTargetOptions, takeTarget, type Target, withNamespace, withPlaces } from "./target.ts";

/** How long `send --wait` waits unless told, seconds. */
const defaultWaitSeconds = 30;

interface JsonFlag {
  readonly json?: true;
}

interface SendFlags {
  readonly wait?: true | number;
}

/** Adds the three commands. */
export function workCommands(program: Command, context: CommandContext): void {
  statusCommand(program, context);
  sendCommand(program, context);
  explainCommand(program, context);
}

function statusCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  const command = program
    .command("status")
    .description("Tell what runs: programs or pods, demands, capabilities, problems.")
    .usage("[--json] FOLDER | -n NAMESPACE")
    .argument("[folder...]")
    .option("--json", "the state as one JSON object");
  addTargetOptions(command).action(async (words: string[], flags: JsonFlag) => {
    const { target } = takeTarget(command, words, []);
    const code = await answering(async () => {
      const seen = await lookAt(target, surroundings);
      if (seen === undefined) return exitCode.refused;
      print(flags.json === true ? seen.json : statusText(seen.sections));
      return seen.sections.problems.length === 0 ? exitCode.done : exitCode.bad;
    });
    onDone(code);
  });
}

interface Seen {
  readonly json: string;
  readonly sections: StatusSections;
}

/** @returns undefined when nothing runs there, which is told. */
async function lookAt(target: Target, surroundings: Surroundings): Promise<Seen | undefined> {
  if (target.kind === "cluster") {
    const status = await withNamespace(target, (namespace) => namespace.status(Date.now()));
    return { json: jsonText(status), sections: clusterSections(status) };
  }
  const { folder } = target;
  const status = await statusOf(folder, surroundings.stateRoots);
  if (status !== undefined) return { json: jsonText(status), sections: folderSections(status) };
  const hint = `Start it with spillway up ${folder}.`;
  process.stderr.write(`spillway: nothing runs in ${folder}. ${hint}\n`);
  return undefined;
}

function sendCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  const command = program
    .command("send")
    .description("Add one item to a demand.")
    .usage("[--wait [SECONDS]] FOLDER DEMAND JSON | -n NAMESPACE DEMAND JSON")
    .argument("[words...]", "the folder, the name of the demand, the request message as JSON")
    .option(
      "--wait [seconds]",
      `wait for the outcome (default: ${defaultWaitSeconds} s)`,
      parseWaitSeconds,
    );
  addTargetOptions(command).action(async (given: string[], flags: SendFlags) => {
    const { target, words } = takeTarget(command, given, ["DEMAND", "JSON"]);
    const [demand = "", json = ""] = words;
    const waitSeconds = flags.wait === true ? defaultWaitSeconds : flags.wait;
    const code = await answering(async () => {
      refuseBadJson(json);
      return withPlaces({ target, demand }, surroundings, async (places) => {
        const { body, good } = await sendItem(places, { demand, json, waitSeconds });
        return told(jsonText(body), good);
      });
    });
    onDone(code);
  });
}

function explainCommand(program: Command, { surroundings, onDone }: CommandContext): void {
  const command = program
    .command("explain")
    .description("Tell why an item is not moving.")
    .usage("[--json] FOLDER TICKET | -n NAMESPACE TICKET")
    .argument("[words...]", "the folder, and the ticket as send answered it")
    .option("--json", "the sidecar's answer as one JSON object");
  addTargetOptions(command).action(async (given: string[], flags: JsonFlag) => {
    const { target, words } = takeTarget(command, given, ["TICKET"]);
    const [ticket = ""] = words;
    const code = await answering(() =>
      withPlaces({ target }, surroundings, async (places) => {
        const { body, text, good } = await explainItem(places, ticket);
        return told(flags.json === true ? jsonText(body) : text, good);
      }),
    );
    onDone(code);
  });
}

function told(text: string, good: boolean): ExitCode {
  print(text);
  return good ? exitCode.done : exitCode.bad;
}

function print(text: string): void {
  process.stdout.write(text);
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
