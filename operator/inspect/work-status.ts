/**
 * The state of work from reports of sidecars: sums over queues, and every problem as a sentence.
 * Pure: who is asked, and how, is another's.
 */
import type { GoodReport, ReportedDemand, SidecarReport } from "./sidecar-report.ts";

/** A provider of a demand, over all of its queues. */
export interface ProviderStatus {
  readonly id: string;
  /** The longest of its connections; null while unknown. */
  readonly rttMs: number | null;
  readonly leased: number;
  readonly credit: number;
}

/** Items of a demand by state. */
export interface DemandCounts {
  readonly ready: number;
  readonly leased: number;
  readonly delayed: number;
  readonly done: number;
  readonly dead: number;
}

/** A demand, summed over its queues. */
export interface DemandStatus {
  readonly name: string;
  readonly counts: DemandCounts;
  /** Of the oldest over all queues; 0 when nothing is ready. */
  readonly oldestReadySeconds: number;
  /** Sum over the queues. */
  readonly desiredProviders: number;
  /** Sum over the queues. */
  readonly maxProviders: number;
  readonly providers: readonly ProviderStatus[];
}

/** A capability, summed over its sidecars. */
export interface CapabilityStatus {
  readonly name: string;
  readonly running: number;
  readonly slots: number;
  /** Names of the demands that are connected, sorted. */
  readonly demands: readonly string[];
}

/** What a sidecar said, and who it is. */
export interface ObservedSidecar {
  /** For people: `web-0`. */
  readonly name: string;
  readonly nodeId: string;
  readonly report: SidecarReport;
}

/** Demands and capabilities over all sidecars, and what is wrong with them. */
export interface WorkStatus {
  readonly demands: readonly DemandStatus[];
  readonly capabilities: readonly CapabilityStatus[];
  readonly problems: readonly string[];
}

/** Puts the reports together. Sidecars that did not answer add nothing. */
export function workStatus(observed: readonly ObservedSidecar[]): WorkStatus {
  const reports = observed.flatMap(({ report }) => (report.ok ? [report] : []));
  const demands = sumDemands(reports.flatMap((report) => report.demands));
  return {
    demands,
    capabilities: sumCapabilities(reports),
    problems: [
      ...demands.flatMap((demand) => demandProblems(demand, reports)),
      ...observed.flatMap(capabilityProblems),
      ...observed.flatMap((one) => peerProblems(one, observed)),
    ],
  };
}

function sumDemands(list: readonly ReportedDemand[]): DemandStatus[] {
  return groupByName(list).map(([name, queues]) => {
    const sum = (of: (queue: ReportedDemand) => number): number =>
      queues.reduce((total, queue) => total + of(queue), 0);
    return {
      name,
      counts: {
        ready: sum(({ counts }) => counts.ready),
        leased: sum(({ counts }) => counts.leased),
        delayed: sum(({ counts }) => counts.delayed),
        done: sum(({ counts }) => counts.done),
        dead: sum(({ counts }) => counts.dead),
      },
      oldestReadySeconds: Math.max(...queues.map((queue) => queue.oldestReadySeconds)),
      desiredProviders: sum((queue) => queue.desiredProviders),
      maxProviders: sum((queue) => queue.maxProviders),
      providers: sumProviders(queues),
    };
  });
}

function sumProviders(queues: readonly ReportedDemand[]): ProviderStatus[] {
  const byId = new Map<string, ProviderStatus>();
  for (const { id, rttMs, leased, credit } of queues.flatMap((queue) => queue.providers)) {
    const known = byId.get(id);
    const longest = Math.max(known?.rttMs ?? -1, rttMs ?? -1);
    byId.set(id, {
      id,
      rttMs: longest < 0 ? null : longest,
      leased: (known?.leased ?? 0) + leased,
      credit: (known?.credit ?? 0) + credit,
    });
  }
  return [...byId.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function sumCapabilities(reports: readonly GoodReport[]): CapabilityStatus[] {
  return groupByName(reports.flatMap((report) => report.capabilities)).map(([name, parts]) => {
    const joined = parts.flatMap(({ demands }) =>
      demands.filter(({ state }) => state === "joined"),
    );
    return {
      name,
      running: parts.reduce((sum, part) => sum + part.running, 0),
      slots: parts.reduce((sum, part) => sum + part.slots, 0),
      demands: [...new Set(joined.map(({ demand }) => demand))].sort(),
    };
  });
}

function groupByName<T extends { readonly name: string }>(list: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(list, ({ name }) => name)].sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
}

/**
 * Dead items are counted and no problem: one bad input makes one, and a sidecar does not tell which
 * of them time, loss or used-up attempts ended.
 */
function demandProblems(demand: DemandStatus, reports: readonly GoodReport[]): string[] {
  const { name, providers, desiredProviders, counts } = demand;
  const queues = reports.flatMap((report) => report.demands.filter((it) => it.name === name));
  const connected = queues.reduce((sum, queue) => sum + queue.providers.length, 0);
  const problems: string[] = [];
  if (providers.length === 0) {
    const verb = counts.ready === 1 ? "waits" : "wait";
    const waiting = counts.ready === 0 ? "" : `, and ${counts.ready} of its items ${verb}`;
    problems.push(`The demand ${name} has no provider${waiting}.`);
  } else if (connected < desiredProviders) {
    problems.push(`The demand ${name} has ${connected} of ${desiredProviders} desired providers.`);
  }
  if (queues.some(({ paused }) => paused)) problems.push(`The demand ${name} is paused.`);
  return problems;
}

function capabilityProblems(one: ObservedSidecar): string[] {
  if (!one.report.ok) return [];
  return one.report.capabilities.flatMap(({ name, notDelivering, demands }) => {
    const at = `The capability ${name} of ${one.name}`;
    const incompatible = demands.filter(({ state }) => state === "incompatible");
    return [
      ...(notDelivering === undefined ? [] : [sentence(`${at} gets no work: ${notDelivering}`)]),
      ...incompatible.map(({ demand, node, reason }) =>
        sentence(
          `${at} does not fit the demand ${demand} of ${node}: ${reason ?? "no reason given"}`,
        ),
      ),
    ];
  });
}

/** Two nodes that are not connected are a fault only where a queue lacks the provider behind it. */
function peerProblems(one: ObservedSidecar, all: readonly ObservedSidecar[]): string[] {
  if (!one.report.ok) return [];
  const wanting = one.report.demands.filter((it) => it.providers.length < it.desiredProviders);
  return one.report.peers.flatMap(({ id, connected, notConnected }) => {
    const other = all.find(({ nodeId }) => nodeId === id)?.report;
    const fits =
      other?.ok === true &&
      wanting.some((demand) => other.capabilities.some((it) => isSameRoute(it, demand)));
    return connected || notConnected === undefined || !fits
      ? []
      : [sentence(`The sidecar of ${one.name} is not connected to ${id}: ${notConnected}`)];
  });
}

interface Route {
  readonly request: string;
  readonly response: string;
}

function isSameRoute(left: Route, right: Route): boolean {
  return left.request === right.request && left.response === right.response;
}

/** A clause as a sentence. */
export function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
