/** What `spillway check` says of versions: command, operator, sidecars. Pure. */
import type { SidecarVersion } from "../inspect/index.ts";
import { bad, type CheckLine, good } from "./check-line.ts";
import type { ClusterError } from "./cluster-error.ts";
import type { Pod } from "./resources.ts";

/** Names, and commands, that one line tells at most. */
const maxNames = 10;

/**
 * This command against the operator.
 * @param operator version that the operator wrote; undefined: it has not written one.
 */
export function checkCommandVersion(command: string, operator: string | undefined): CheckLine {
  const subject = "command";
  if (operator === undefined) {
    const why = "the operator has not said which version it is: it is older, or never led";
    return bad(subject, `${command}; ${why}. Its log says how it is.`);
  }
  if (operator === command) return good(subject, `${command}, as the operator`);
  const what = "definitions and policies are compared with those of this command";
  const remedy = `Use spillway ${operator}, or upgrade the operator`;
  return bad(subject, `${command}, the operator is ${operator}: ${what}. ${remedy}.`);
}

/** What sidecars answered. */
export interface SidecarVersions {
  /** Of the operator; undefined: not known. */
  readonly operator: string | undefined;
  /** Of this command. */
  readonly command: string;
  /** Running pods with a sidecar; those that were not asked are not in `answers`. */
  readonly pods: readonly Pod[];
  readonly answers: ReadonlyMap<Pod, SidecarVersion>;
  /** What held for all of them and ended the asking. */
  readonly notAsked: ClusterError | undefined;
}

interface Told {
  readonly pod: Pod;
  readonly version: string | undefined;
}

/** The sidecars against the operator; against this command while its version is not known. */
export function checkSidecarVersions(seen: SidecarVersions): CheckLine {
  const subject = "sidecar versions";
  const { answers, command, notAsked, operator, pods } = seen;
  if (pods.length === 0) return good(subject, "no sidecar runs");
  const told: Told[] = [];
  let silence = notAsked?.text ?? "none was asked";
  for (const [pod, answer] of answers) {
    if (answer.ok) told.push({ pod, version: answer.version });
    else silence = answer.reason;
  }
  if (told.length === 0) {
    return { verdict: "skipped", subject, text: `no sidecar told its own: ${silence}.` };
  }
  const reference = operator ?? command;
  const whose = operator === undefined ? "this command" : "the operator";
  const parts = [
    ...behind(
      told.filter(({ version }) => compare(version, reference) < 0),
      whose,
      reference,
    ),
    ...ahead(
      told.filter(({ version }) => compare(version, reference) > 0),
      whose,
      reference,
    ),
  ];
  const missing = pods.length - told.length;
  const unknown = missing === 0 ? "" : `; ${missing} of ${pods.length} did not tell`;
  if (parts.length > 0) return bad(subject, `${parts.join(" ")}${unknown}`);
  const all = `${told.length} ${told.length === 1 ? "sidecar is" : "sidecars are"} ${reference}`;
  return good(subject, `${all}, as ${whose}${unknown}`);
}

function behind(told: readonly Told[], whose: string, reference: string): string[] {
  if (told.length === 0) return [];
  const commands = [...new Set(told.map(({ pod }) => restartOf(pod)))];
  const first = commands.slice(0, maxNames).join("; ");
  const more = commands.length > maxNames ? `; and ${commands.length - maxNames} more` : "";
  const what = `${told.length} older than ${whose} (${reference}): ${namesOf(told)}.`;
  return [`${what} New pods get the new one: ${first}${more}.`];
}

function ahead(told: readonly Told[], whose: string, reference: string): string[] {
  if (told.length === 0) return [];
  const remedy = whose === "the operator" ? "Upgrade the operator" : "Use the newer command";
  return [`${told.length} newer than ${whose} (${reference}): ${namesOf(told)}. ${remedy}.`];
}

function namesOf(told: readonly Told[]): string {
  const names = told.slice(0, maxNames).map(({ pod: { metadata }, version }) => {
    return `${metadata.namespace ?? ""}/${metadata.name} ${version ?? "tells none"}`;
  });
  const more = told.length > names.length ? `, and ${told.length - names.length} more` : "";
  return `${names.join(", ")}${more}`;
}

/** What makes a pod anew: its owner's rollout. */
function restartOf({ metadata }: Pod): string {
  const { name, namespace = "", labels = {} } = metadata;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const hash = labels["pod-template-hash"] ?? "";
  if (owner?.kind === "ReplicaSet" && hash !== "" && owner.name.endsWith(`-${hash}`)) {
    const deployment = owner.name.slice(0, -hash.length - 1);
    return `kubectl rollout restart deployment/${deployment} -n ${namespace}`;
  }
  if (owner?.kind === "StatefulSet" || owner?.kind === "DaemonSet") {
    return `kubectl rollout restart ${owner.kind.toLowerCase()}/${owner.name} -n ${namespace}`;
  }
  return `create pod ${namespace}/${name} anew`;
}

/**
 * Below 0: older. A version that is not told is older than any that is; one that is no three
 * numbers is compared as text. Source: Semantic Versioning 2.0.0, §11, without build metadata.
 */
export function compare(version: string | undefined, reference: string): number {
  if (version === reference) return 0;
  if (version === undefined) return -1;
  const [left, right] = [partsOf(version), partsOf(reference)];
  if (left === undefined || right === undefined) return version < reference ? -1 : 1;
  for (const [index, number] of left.numbers.entries()) {
    const other = right.numbers[index] ?? 0;
    if (number !== other) return number - other;
  }
  if (left.before === right.before) return 0;
  // 1.0.0-rc.1 comes before 1.0.0.
  if (left.before === "" || right.before === "") return left.before === "" ? 1 : -1;
  return left.before.localeCompare(right.before, "en", { numeric: true });
}

function partsOf(version: string) {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version);
  if (match === null) return undefined;
  return { numbers: match.slice(1, 4).map(Number), before: match[4] ?? "" };
}
