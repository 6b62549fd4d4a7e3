/** `spillway check`: whether a cluster is set up as it should be, a line for each thing. */
import type { Command } from "commander";
import { checkText, runChecks } from "../cluster/index.ts";
import type { CommandContext } from "./command-context.ts";
import { answering, exitCode } from "./exit-code.ts";
import { addKubeconfigOptions, type ClusterFlags, kubeconfigOf, parseNamespace } from "./target.ts";

/** Where the operator is installed unless told. */
const defaultOperatorNamespace = "spillway-system";

interface CheckFlags extends ClusterFlags {
  readonly operatorNamespace: string;
}

/** Adds the command. */
export function checkCommand(program: Command, { onDone, version }: CommandContext): void {
  const command = program
    .command("check")
    .description("Tell whether a cluster is set up as it should be, a line for each thing.")
    .option("-n, --namespace <name>", "pods of this namespace alone", parseNamespace)
    .option(
      "--operator-namespace <name>",
      "where the operator is",
      parseNamespace,
      defaultOperatorNamespace,
    );
  addKubeconfigOptions(command).action(async (flags: CheckFlags) => {
    const { namespace, operatorNamespace } = flags;
    const kubeconfig = kubeconfigOf(flags);
    const code = await answering(async () => {
      const nowEpochMs = Date.now();
      const options = { kubeconfig, namespace, operatorNamespace, nowEpochMs, version };
      const lines = await runChecks(options);
      process.stdout.write(checkText(lines));
      return lines.some(({ verdict }) => verdict === "bad") ? exitCode.bad : exitCode.done;
    });
    onDone(code);
  });
}
