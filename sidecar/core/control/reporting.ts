/**
 * When to report and what. The node is looked at in short steps; most looks say nothing. Told at
 * once is what somebody waits for: a count that leaves or reaches zero, a provider that comes or
 * goes, an address. All else goes with the next report that is due anyway.
 */
import { create } from "@bufbuild/protobuf";
import {
  type Report,
  ReportSchema,
  type ResourceVersion,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import { durationOf } from "./duration.ts";
import { peerAddressOf } from "./messages.ts";
import type { CapabilityStatus, DemandStatus, LatencyStatus, NodeStatus } from "./node-status.ts";

/** Bounds of one stream. */
export interface ReportPace {
  /** A report is due at least this often, ms. */
  readonly intervalMs: number;
  /** Reports at most this often, ms. */
  readonly minIntervalMs: number;
}

/** Finds the resource in force that a name stands for; undefined when none is. */
export type ResourceOf = (
  kind: "demand" | "capability",
  name: string,
) => ResourceVersion | undefined;

/** Times of the looks and the reports of one stream. */
export class Reporting {
  readonly #pace: ReportPace;
  #sampleAtMs: number;
  #lastSentMs = -Infinity;
  #lastUrgent = "";

  /** The first look is due at once. */
  constructor(pace: ReportPace, nowMs: number) {
    this.#pace = pace;
    this.#sampleAtMs = nowMs;
  }

  nextDeadlineMs(): number {
    return this.#sampleAtMs;
  }

  /** Look as soon as possible: something happened that a report should tell. */
  hurry(nowMs: number): void {
    this.#sampleAtMs = Math.min(this.#sampleAtMs, nowMs);
  }

  /** @returns whether the node is to be looked at now; then not again for a while. */
  takeSample(nowMs: number): boolean {
    if (nowMs < this.#sampleAtMs) return false;
    this.#sampleAtMs = nowMs + Math.max(this.#pace.minIntervalMs, controlLimits.sampleMs);
    return true;
  }

  /**
   * Makes a report of a look, if one is due.
   * @returns undefined when nothing is to be told yet.
   */
  report(status: NodeStatus, resourceOf: ResourceOf, quiesced: ReadonlySet<string>, nowMs: number) {
    const sinceMs = nowMs - this.#lastSentMs;
    const urgent = urgentOf(status, resourceOf, quiesced);
    const isDue = sinceMs >= this.#pace.intervalMs - controlLimits.sampleMs;
    if (!isDue && (urgent === this.#lastUrgent || sinceMs < this.#pace.minIntervalMs)) {
      return undefined;
    }
    this.#lastSentMs = nowMs;
    this.#lastUrgent = urgent;
    return reportOf(status, resourceOf, quiesced);
  }
}

/** A report of everything that has a resource in force; what has none is left out. */
export function reportOf(
  status: NodeStatus,
  resourceOf: ResourceOf,
  quiesced: ReadonlySet<string>,
): Report {
  return create(ReportSchema, {
    demands: status.demands.flatMap((demand) => {
      const resource = resourceOf("demand", demand.name);
      return resource === undefined ? [] : [{ resource, ...demandReport(demand) }];
    }),
    capabilities: status.capabilities.flatMap((capability) => {
      const resource = resourceOf("capability", capability.name);
      const isQuiesced = quiesced.has(capability.name);
      return resource === undefined
        ? []
        : [{ resource, ...capabilityReport(capability), quiesced: isQuiesced }];
    }),
    multicast: { ...status.multicast },
    ...(status.peerAddress === undefined ? {} : { peerAddress: peerAddressOf(status.peerAddress) }),
    openSessions: status.openSessions,
    roundTrip: latencyReport(status.roundTrip),
    draining: status.draining,
    certificateNotAfterMs: BigInt(Math.round(status.certificateNotAfterMs)),
  });
}

function demandReport(demand: DemandStatus) {
  const { counts, oldestReadyMs, connectedProviders } = demand;
  return {
    counts: {
      ready: BigInt(counts.ready),
      leased: BigInt(counts.leased),
      delayed: BigInt(counts.delayed),
      done: BigInt(counts.done),
      dead: BigInt(counts.dead),
      cancelled: BigInt(counts.cancelled),
      expired: BigInt(counts.expired),
    },
    ...(counts.ready === 0 ? {} : { oldestReady: durationOf(oldestReadyMs) }),
    queuedBytes: BigInt(demand.queuedBytes),
    fillPermille: demand.fillPermille,
    connectedProviders: connectedProviders.slice(0, 1_000),
  };
}

function capabilityReport(capability: CapabilityStatus) {
  const { running, slots, credit, joinedNodes, idleMs, notDelivering } = capability;
  return {
    running,
    slots,
    credit,
    joinedNodes: joinedNodes.slice(0, 1_000),
    ...(idleMs === 0 ? {} : { idle: durationOf(idleMs) }),
    notDelivering: notDelivering.slice(0, 1_024),
  };
}

function latencyReport({ count, p50Us, p99Us }: LatencyStatus) {
  return { count: BigInt(count), p50Us: BigInt(p50Us), p99Us: BigInt(p99Us) };
}

/** What is told at once, as one text: equal texts, nothing to tell. */
function urgentOf(
  status: NodeStatus,
  resourceOf: ResourceOf,
  quiesced: ReadonlySet<string>,
): string {
  const objectOf = (kind: "demand" | "capability", name: string): string => {
    const resource = resourceOf(kind, name);
    return resource === undefined ? "" : `${resource.uid} ${String(resource.generation)}`;
  };
  return JSON.stringify([
    status.demands.map(({ name, counts, connectedProviders }) => [
      objectOf("demand", name),
      Object.values(counts).map((count) => count > 0),
      connectedProviders.toSorted(),
    ]),
    status.capabilities.map(({ name, running, slots, credit, joinedNodes, notDelivering }) => [
      objectOf("capability", name),
      [running > 0, credit > 0, slots, notDelivering === ""],
      joinedNodes.toSorted(),
      quiesced.has(name),
    ]),
    [status.multicast.reachability, status.draining, status.certificateNotAfterMs],
    status.peerAddress ?? "",
  ]);
}
