/** Where a command looks: a folder of this machine, or a namespace of a cluster. */
import { type Command, InvalidArgumentError } from "commander";
import { ClusterNamespace } from "../cluster/index.ts";
import type { Place } from "../inspect/index.ts";
import { placesOf } from "../local/index.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the commands of a cluster take. */
export interface ClusterFlags {
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** See the head of the file. */
export type Target =
  | { readonly kind: "folder"; readonly folder: string }
  | {
      readonly kind: "cluster";
      readonly namespace: string;
      readonly kubeconfig: { readonly path?: string; readonly context?: string };
    };

/** What is said of a folder in `--help`. */
export const folderHelp = "folder with manifests, .proto files and apps.yaml";

/** Adds `--kubeconfig` and `--context`. */
export function addKubeconfigOptions(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "instead of KUBECONFIG or ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig instead of its current one");
}

/** Adds what names a cluster in the place of a folder. */
export function addTargetOptions(command: Command): Command {
  const withNamespace = command.option(
    "-n, --namespace <name>",
    "namespace of a cluster, in the place of a folder",
    parseNamespace,
  );
  return addKubeconfigOptions(withNamespace);
}

/** Reads `-n NAMESPACE`. @throws {InvalidArgumentError} */
export function parseNamespace(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError("Write the name of a namespace.");
}

/**
 * Takes the folder from the front of the words, unless a namespace is named.
 * @param rest names of the words that must follow.
 * @returns the target and those words; ends the command with its usage when the count is wrong.
 */
export function takeTarget(
  command: Command,
  words: readonly string[],
  rest: readonly string[],
): { readonly target: Target; readonly words: readonly string[] } {
  const { namespace, ...flags } = command.opts<ClusterFlags>();
  const expected = [...(namespace === undefined ? ["FOLDER (or -n NAMESPACE)"] : []), ...rest];
  if (words.length !== expected.length) {
    const given = `${String(words.length)} ${words.length === 1 ? "argument" : "arguments"}`;
    command.error(`error: ${given} given, expected ${expected.join(" ") || "none"}`);
  }
  if (namespace !== undefined) {
    return { target: { kind: "cluster", namespace, kubeconfig: kubeconfigOf(flags) }, words };
  }
  const [folder = "", ...others] = words;
  return { target: { kind: "folder", folder }, words: others };
}

/** Which kubeconfig the flags name. */
export function kubeconfigOf({ kubeconfig, context }: Omit<ClusterFlags, "namespace">): {
  readonly path?: string;
  readonly context?: string;
} {
  return {
    ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

/**
 * Does something with the sidecars of a target.
 * @param demand whose queue they should hold. @default any
 */
export async function withPlaces<T>(
  { target, demand }: { readonly target: Target; readonly demand?: string },
  surroundings: Surroundings,
  act: (places: readonly Place[]) => Promise<T>,
): Promise<T> {
  if (target.kind === "folder") return act(placesOf(target.folder, surroundings.stateRoots));
  return withNamespace(target, async (namespace) =>
    act(await (demand === undefined ? namespace.places() : namespace.placesOfDemand(demand))),
  );
}

/** Does something with a namespace of a cluster, and closes the way to it. */
export async function withNamespace<T>(
  target: Extract<Target, { readonly kind: "cluster" }>,
  act: (namespace: ClusterNamespace) => Promise<T>,
): Promise<T> {
  const namespace = await ClusterNamespace.open(target);
  try {
    return await act(namespace);
  } finally {
    await namespace.close();
  }
}
