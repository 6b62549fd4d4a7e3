/**
 * The state of a folder from the reports of its sidecars: sums over queues, and every problem as a
 * sentence. Pure: what is asked and when is `status.ts`.
 */
import type { RecordedProgram, RunRecord } from "./run-record.ts";
import type { ReportedDemand, SidecarReport } from "./sidecar-report.ts";

/** A program and its sidecar. */
export interface ProgramStatus {
  readonly name: string;
  readonly replica: number;
  /** Null while it waits for its next start. */
  readonly pid: number | null;
  readonly port?: number;
  readonly sidecar: {
    readonly pid: number | null;
    /** What the node is: `front` stands beside a program. */
    readonly role: "front";
    readonly socketPath: string;
    /** Null until it listens. */
    readonly adminUrl: string | null;
    readonly opsUrl: string | null;
  };
}

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

/** `spillway status --json`; the shape is relied upon by scripts. */
export interface FolderStatus {
  readonly programs: readonly ProgramStatus[];
  readonly demands: readonly DemandStatus[];
  readonly capabilities: readonly CapabilityStatus[];
  /** Empty until session tiers are carried out. */
  readonly tiers: readonly never[];
  readonly problems: readonly string[];
}

/** A program of the record, what its sidecar said, and which of the two live. */
export interface ObservedProgram {
  readonly recorded: RecordedProgram;
  readonly programAlive: boolean;
  readonly sidecarAlive: boolean;
  readonly report: SidecarReport;
}

/** Puts the status together. */
export function folderStatus(
  record: Pick<RunRecord, "warnings">,
  observed: readonly ObservedProgram[],
): FolderStatus {
  const reports = observed.flatMap(({ report }) => (report.ok ? [report] : []));
  const demands = sumDemands(reports.flatMap((report) => report.demands));
  const capabilities = sumCapabilities(reports);
  return {
    programs: observed.map(programStatus),
    demands,
    capabilities,
    tiers: [],
    problems: [
      ...observed.flatMap(programProblems),
      ...demands.flatMap((demand) => demandProblems(demand, reports)),
      ...observed.flatMap(capabilityProblems),
      ...observed.flatMap((one) => peerProblems(one, observed)),
      ...record.warnings.map(sentence),
    ],
  };
}

function programStatus({ recorded, programAlive, sidecarAlive }: ObservedProgram): ProgramStatus {
  const { sidecar } = recorded;
  const urlOf = (address: { host: string; port: number } | undefined): string | null =>
    address === undefined ? null : `http://${address.host}:${address.port}`;
  return {
    name: recorded.name,
    replica: recorded.replica,
    pid: programAlive ? (recorded.process?.pid ?? null) : null,
    ...(recorded.port === undefined ? {} : { port: recorded.port }),
    sidecar: {
      pid: sidecarAlive ? (sidecar.process?.pid ?? null) : null,
      role: "front",
      socketPath: sidecar.socketPath,
      adminUrl: urlOf(sidecar.admin),
      opsUrl: urlOf(sidecar.ops),
    },
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

type GoodReport = Extract<SidecarReport, { ok: true }>;

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

/** `web-0`. */
function nameOf({ recorded }: ObservedProgram): string {
  return `${recorded.name}-${recorded.replica}`;
}

function programProblems(one: ObservedProgram): string[] {
  const { recorded, programAlive, sidecarAlive, report } = one;
  const name = nameOf(one);
  const { lastEnd, lastErrorLine } = recorded;
  const last = lastErrorLine === undefined ? "" : ` (its last error line: ${lastErrorLine})`;
  const end = lastEnd === undefined ? "" : `: it ended with ${lastEnd}${last}`;
  const problems: string[] = [];
  if (!programAlive) problems.push(`${name} is not running${end}; up starts it again.`);
  if (!sidecarAlive) problems.push(`The sidecar of ${name} is not running; up starts it again.`);
  else if (!report.ok) problems.push(`The sidecar of ${name} does not answer: ${report.reason}.`);
  return problems;
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

function capabilityProblems(one: ObservedProgram): string[] {
  if (!one.report.ok) return [];
  return one.report.capabilities.flatMap(({ name, notDelivering, demands }) => {
    const at = `The capability ${name} of ${nameOf(one)}`;
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
function peerProblems(one: ObservedProgram, all: readonly ObservedProgram[]): string[] {
  if (!one.report.ok) return [];
  const wanting = one.report.demands.filter((it) => it.providers.length < it.desiredProviders);
  return one.report.peers.flatMap(({ id, connected, notConnected }) => {
    const other = all.find(({ recorded }) => recorded.nodeId === id)?.report;
    const fits =
      other?.ok === true &&
      wanting.some((demand) => other.capabilities.some((it) => isSameRoute(it, demand)));
    return connected || notConnected === undefined || !fits
      ? []
      : [sentence(`The sidecar of ${nameOf(one)} is not connected to ${id}: ${notConnected}`)];
  });
}

interface Route {
  readonly request: string;
  readonly response: string;
}

function isSameRoute(left: Route, right: Route): boolean {
  return left.request === right.request && left.response === right.response;
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
