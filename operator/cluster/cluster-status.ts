/**
 * The state of a namespace: pods, what the operator wrote into the status of each resource, and
 * live numbers of the sidecars that answered. Pure.
 */
import {
  type CapabilityStatus,
  type DemandStatus,
  sentence,
  type SidecarReport,
  type StatusSections,
  withNames,
  workStatus,
} from "../inspect/index.ts";
import type { Condition, ReadStored, StoredCapability, StoredDemand } from "../schema/index.ts";
import type { ClusterError } from "./cluster-error.ts";
import { isRunning, type Pod } from "./resources.ts";

/** A pod with a sidecar, and what its sidecar said. */
export interface ObservedPod {
  readonly pod: Pod;
  /** Undefined: it was not asked. */
  readonly report: SidecarReport | undefined;
}

/** What was seen of a namespace. */
export interface ObservedNamespace {
  readonly pods: readonly ObservedPod[];
  readonly demands: readonly ReadStored<StoredDemand>[];
  readonly capabilities: readonly ReadStored<StoredCapability>[];
  /** Why no sidecar could be asked. */
  readonly notAsked: ClusterError | undefined;
  readonly nowEpochMs: number;
}

/** A pod of `spillway status -n NAMESPACE --json`. */
export interface PodStatus {
  readonly name: string;
  /** metadata.uid, which is the id of its node. */
  readonly nodeId: string;
  readonly phase: string;
  readonly ready: boolean;
  /** Whether its sidecar answered; null: it was not asked. */
  readonly sidecarAnswers: boolean | null;
}

/** What a resource of the cluster has beside its sums. */
interface FromResource {
  /** False: from the status that the operator wrote, not from the sidecars. */
  readonly live: boolean;
  readonly conditions: readonly Condition[];
}

/** `spillway status -n NAMESPACE --json`: the shape of a folder's, with pods for programs. */
export interface ClusterStatus {
  readonly pods: readonly PodStatus[];
  readonly demands: readonly (DemandStatus &
    FromResource & { readonly connectedProviders: number })[];
  readonly capabilities: readonly (CapabilityStatus &
    FromResource & { readonly connections: number })[];
  /** Empty until session tiers are carried out. */
  readonly tiers: readonly never[];
  readonly problems: readonly string[];
}

/** Puts the status together. */
export function clusterStatus(seen: ObservedNamespace): ClusterStatus {
  const names = seen.pods.map(({ pod }) => ({ name: pod.metadata.name, nodeId: uidOf(pod) }));
  const work = workStatus(
    seen.pods.flatMap(({ pod, report }) =>
      report === undefined ? [] : [{ name: pod.metadata.name, nodeId: uidOf(pod), report }],
    ),
  );
  const demands = seen.demands.map((read) => demandOf(read, work.demands, seen.nowEpochMs));
  const capabilities = seen.capabilities.map((read) => capabilityOf(read, work.capabilities));
  return {
    pods: seen.pods.map(podStatus),
    demands,
    capabilities,
    tiers: [],
    problems: [
      ...seen.pods.flatMap(podProblems),
      ...notAskedProblems(seen),
      ...work.problems.map((problem) => withNames(problem, names)),
      ...demands.flatMap((demand) => conditionProblems("Demand", demand)),
      ...capabilities.flatMap((capability) => conditionProblems("Capability", capability)),
    ],
  };
}

/** As a person reads it. */
export function clusterSections({ pods, ...work }: ClusterStatus): StatusSections {
  const words = { true: "sidecar answers", false: "sidecar does not answer", null: "not asked" };
  const rows = pods.map(({ name, phase, ready, sidecarAnswers }) => [
    name,
    phase,
    ready ? "ready" : "not ready",
    words[`${sidecarAnswers}`],
  ]);
  return { places: { title: "pods", rows }, ...work };
}

function podStatus({ pod, report }: ObservedPod): PodStatus {
  return {
    name: pod.metadata.name,
    nodeId: uidOf(pod),
    phase: pod.status?.phase ?? "Unknown",
    ready: isReady(pod),
    sidecarAnswers: report?.ok ?? null,
  };
}

function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? "";
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: holds }) => type === "Ready" && holds === "True",
  );
}

function demandOf(
  { resource, ...read }: ReadStored<StoredDemand>,
  live: readonly DemandStatus[],
  nowEpochMs: number,
): ClusterStatus["demands"][number] {
  const { name } = resource.metadata;
  const conditions = resource.status?.conditions ?? [];
  const summed = live.find((demand) => demand.name === name);
  if (summed !== undefined) {
    return { ...summed, connectedProviders: summed.providers.length, live: true, conditions };
  }
  const { items, queues = 0, oldestReadySince, connectedProviders = 0 } = resource.status ?? {};
  const { ready = 0, leased = 0, delayed = 0, done = 0, dead = 0 } = items ?? {};
  const sinceMs = oldestReadySince === undefined ? nowEpochMs : Date.parse(oldestReadySince);
  const spec = read.ok && "spec" in resource ? resource.spec : undefined;
  return {
    name,
    counts: { ready, leased, delayed, done, dead },
    oldestReadySeconds: Math.max(0, Math.round((nowEpochMs - sinceMs) / 1_000)),
    desiredProviders: (spec?.desiredProviders ?? 0) * queues,
    maxProviders: (spec?.maxProviders ?? 0) * queues,
    providers: [],
    connectedProviders,
    live: false,
    conditions,
  };
}

function capabilityOf(
  { resource, ...read }: ReadStored<StoredCapability>,
  live: readonly CapabilityStatus[],
): ClusterStatus["capabilities"][number] {
  const { name } = resource.metadata;
  const { conditions = [], running = 0, providers = 0, connections = 0 } = resource.status ?? {};
  const summed = live.find((capability) => capability.name === name);
  if (summed !== undefined) {
    return { ...summed, connections: summed.demands.length, live: true, conditions };
  }
  const spec = read.ok && "spec" in resource ? resource.spec : undefined;
  const slots = (spec?.concurrency ?? 0) * providers;
  return { name, running, slots, demands: [], connections, live: false, conditions };
}

function podProblems({ pod, report }: ObservedPod): string[] {
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return [];
  if (!isRunning(pod)) return [`The pod ${name} is ${pod.status?.phase ?? "Unknown"}.`];
  const problems = isReady(pod) ? [] : [`The pod ${name} is not ready.`];
  if (report?.ok === false) {
    const { reason, remedy } = report;
    const told = sentence(`The sidecar of ${name} does not answer: ${reason}`);
    problems.push(remedy === undefined ? told : `${told} ${remedy}`);
  }
  return problems;
}

function notAskedProblems({ pods, notAsked }: ObservedNamespace): string[] {
  if (notAsked !== undefined) {
    return [`Numbers are the operator's last, not live: ${notAsked.message}`];
  }
  const running = pods.filter(({ pod }) => isRunning(pod));
  const asked = running.filter(({ report }) => report !== undefined).length;
  return asked === running.length
    ? []
    : [`Only ${asked} of ${running.length} sidecars were asked; sums are of those.`];
}

/** What the sidecars tell better, and with numbers. */
const toldLive: ReadonlySet<string> = new Set(["NoProviders", "BelowDesired", "Paused"]);

function conditionProblems(
  kind: string,
  { name, live, conditions }: FromResource & { readonly name: string },
): string[] {
  if (conditions.length === 0) {
    return [`The ${kind} ${name} has no status: no operator has seen it. spillway check says why.`];
  }
  return conditions.flatMap(({ type, status, reason, message }) => {
    const bad = type === "Degraded" ? status === "True" : status === "False";
    const matters = type === "Accepted" || type === "Ready" || type === "Degraded";
    if (!bad || !matters || (live && toldLive.has(reason))) return [];
    const what = type === "Degraded" ? "is degraded" : `is not ${type.toLowerCase()}`;
    return [sentence(`The ${kind} ${name} ${what} (${reason}): ${message}`)];
  });
}
