/** The state of a folder: its programs, and what its sidecars say of their work. Pure. */
import {
  type CapabilityStatus,
  type DemandStatus,
  sentence,
  type SidecarReport,
  type StatusSections,
  workStatus,
} from "../inspect/index.ts";
import type { RecordedProgram, RunRecord } from "./run-record.ts";

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
  const { demands, capabilities, problems } = workStatus(
    observed.map((one) => ({
      name: nameOf(one),
      nodeId: one.recorded.nodeId,
      report: one.report,
    })),
  );
  return {
    programs: observed.map(programStatus),
    demands,
    capabilities,
    tiers: [],
    problems: [...observed.flatMap(programProblems), ...problems, ...record.warnings.map(sentence)],
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

/** As a person reads it. */
export function folderSections({ programs, ...work }: FolderStatus): StatusSections {
  const rows = programs.map(({ name, replica, pid, port, sidecar }) => [
    `${name}-${replica}`,
    pid === null ? "not running" : `pid ${pid}`,
    port === undefined ? "-" : `http://127.0.0.1:${port}`,
    sidecar.pid === null ? "sidecar not running" : `sidecar ${sidecar.pid}`,
    sidecar.socketPath,
  ]);
  return { places: { title: "programs", rows }, ...work };
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
