/** Messages of the control stream, as decisions see them. */
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type AcknowledgedResource,
  Applied,
  type CapabilityReport,
  type DemandReport,
  MulticastReachability,
  type Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Acknowledged, PoolReport, QueueReport, SidecarReport } from "../reconcile/index.ts";
import type { SidecarState } from "./ports.ts";

/** Whose report, and when it came on the decisions' clock. */
export interface ReportOf {
  /** metadata.uid of the Demand or Capability. */
  readonly uid: string;
  /** Adds to the monotonic clock's time what makes it Unix time, ms. */
  readonly originMs: number;
  /** Capabilities that select the pod: all of them are quiet when the pod is. */
  readonly capabilityUids: readonly string[];
  /** Now, by the monotonic clock. */
  readonly nowMs: number;
}

/** Whether anything was heard of a sidecar since this process leads. */
export function wasHeard({ attached, report, acknowledged }: SidecarState): boolean {
  return attached || report !== undefined || acknowledged !== undefined;
}

/** What a sidecar says of a queue. @param desiredProviders of the Demand. */
export function queueReport(
  state: SidecarState,
  of: ReportOf,
  desiredProviders: number,
): SidecarReport<QueueReport> {
  const report = state.report?.demands.find(({ resource }) => resource?.uid === of.uid);
  const part = report === undefined ? undefined : queueOf(report, desiredProviders);
  return { ...sharedOf(state, of), ...(part === undefined ? {} : { part }) };
}

/** What a sidecar says of a Capability. */
export function poolReport(state: SidecarState, of: ReportOf): SidecarReport<PoolReport> {
  const report = state.report?.capabilities.find(({ resource }) => resource?.uid === of.uid);
  return { ...sharedOf(state, of), ...(report === undefined ? {} : { part: poolOf(report) }) };
}

function queueOf(report: DemandReport, desiredProviders: number): QueueReport {
  const { counts, oldestReady, connectedProviders } = report;
  return {
    items: {
      ready: Number(counts?.ready ?? 0),
      delayed: Number(counts?.delayed ?? 0),
      leased: Number(counts?.leased ?? 0),
      done: Number(counts?.done ?? 0),
      dead: Number(counts?.dead ?? 0),
      cancelled: Number(counts?.cancelled ?? 0),
      expired: Number(counts?.expired ?? 0),
    },
    providers: connectedProviders,
    deficit: Math.max(0, desiredProviders - connectedProviders.length),
    ...(oldestReady === undefined ? {} : { oldestReadyMs: durationMs(oldestReady) }),
  };
}

function poolOf({ joinedNodes, running }: CapabilityReport): PoolReport {
  return { connections: joinedNodes.length, running };
}

function sharedOf(state: SidecarState, { uid, originMs, capabilityUids, nowMs }: ReportOf) {
  const { attached, sinceMs, reportedAtMs } = state;
  const acknowledged = acknowledgedOf(state.acknowledged?.get(uid));
  const heard = multicastOf(state.report);
  const quiesced = isQuiet(state, capabilityUids);
  // A confirmation is always of the order in force, so it holds now.
  const receivedAtMs = attached ? (quiesced ? nowMs : Math.max(sinceMs, reportedAtMs)) : sinceMs;
  return {
    receivedAtMs: receivedAtMs + originMs,
    connected: attached,
    quiesced,
    ...(heard === undefined ? {} : { multicastReachable: heard }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
  };
}

function isQuiet({ quiesced }: SidecarState, capabilityUids: readonly string[]): boolean {
  if (capabilityUids.length === 0) return false;
  return capabilityUids.every((uid) => quiesced.get(uid)?.idle === true);
}

function acknowledgedOf(it: AcknowledgedResource | undefined): Acknowledged | undefined {
  if (it?.resource === undefined) return undefined;
  const refusal = refusalOf(it);
  const generation = Number(it.resource.generation);
  return { generation, ...(refusal === undefined ? {} : { refusal }) };
}

function refusalOf({ applied, message }: AcknowledgedResource): string | undefined {
  if (applied === Applied.IN_FORCE) return undefined;
  if (message !== "") return message;
  return applied === Applied.RESTART_NEEDED
    ? "it takes a restart of the sidecar"
    : "the sidecar did not take it over and did not say why";
}

function multicastOf(report: Report | undefined): boolean | undefined {
  switch (report?.multicast?.reachability) {
    case MulticastReachability.REACHABLE:
      return true;
    case MulticastReachability.UNREACHABLE:
      return false;
    default:
      return undefined;
  }
}
