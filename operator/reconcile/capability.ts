/** A Capability: who provides, how much is joined, and the replicas of its target. */
import type { CapabilityStatus, ReadStored, StoredCapability } from "../schema/index.ts";
import { acceptance, pausedConditions, refusalJudgement } from "./accepted.ts";
import { eventsOf, type Judgement, type Judgements, nextConditions } from "./conditions.ts";
import type { Observed, PoolReport } from "./observed.ts";
import type { Outcome } from "./outcome.ts";
import {
  decideScaling,
  letGo,
  type ObservedScaling,
  type ScaleMemory,
  type ScalingOutcome,
} from "./scaling.ts";
import {
  asExpected,
  notApplied,
  readyStandsForMs,
  rollingOut,
  sidecarsMissing,
} from "./sidecar-judgement.ts";
import { type Survey, survey } from "./survey.ts";

/** What a Capability's reconcile is shown. */
export interface ObservedCapability extends Observed<PoolReport> {
  readonly scaling: ObservedScaling;
  /** What the last reconcile left, if everything it asked for was done. */
  readonly memory?: ScaleMemory;
}

/** A decision about a Capability. */
export interface CapabilityOutcome extends Outcome<CapabilityStatus> {
  /** To be given to the next reconcile once every action is done; else the one of before. */
  readonly memory: ScaleMemory | undefined;
}

/**
 * Decides about a Capability.
 * @param read the resource as it stands; its status is the one that was decided last.
 * @param nowMs see `observed.ts`.
 */
export function reconcileCapability(
  read: ReadStored<StoredCapability>,
  observed: ObservedCapability,
  nowMs: number,
): CapabilityOutcome {
  const { metadata, status: previous } = read.resource;
  const at = { generation: metadata.generation, nowMs };
  const before = previous?.conditions ?? [];
  if (observed.reconcilePaused) {
    const conditions = nextConditions(before, pausedConditions(before), at);
    const status = { ...previous, conditions };
    const requeueAfterMs = Number.POSITIVE_INFINITY;
    return { actions: [], status, events: [], requeueAfterMs, memory: observed.memory };
  }
  const accepted = acceptance(read, observed.contract);
  const surveyed = survey(observed.pods, { ...at, leaderSinceMs: observed.leaderSinceMs });
  const scaling = scalingOf(read, observed, nowMs);
  const refusal = refusalJudgement(accepted);
  const known = previous?.observedGeneration === at.generation ? previous : undefined;
  const holds =
    surveyed.settling && known !== undefined && isAccepted(known) === (refusal === undefined);
  const standsMs = refusal === undefined ? readyStandsForMs(surveyed, before, nowMs) : 0;
  const judged: Judgements = {
    Accepted: accepted.judgement,
    ...judge(surveyed, { refusal, scaling }),
    ...(standsMs > 0 ? { Ready: "kept" } : {}),
  };
  const conditions = nextConditions(before, judged, at);
  const status: CapabilityStatus = holds
    ? known
    : {
        observedGeneration: at.generation,
        ...countsOf(surveyed),
        ...(scaling?.status === undefined ? {} : { scale: scaling.status }),
        conditions,
      };
  return {
    actions: [...accepted.actions, ...(scaling?.actions ?? letGo(observed.pods, observed.memory))],
    status,
    events: [
      ...(holds ? [] : eventsOf(previous?.conditions, conditions)),
      ...(scaling?.events ?? []),
    ],
    requeueAfterMs: Math.min(
      surveyed.changesAfterMs,
      standsMs > 0 ? standsMs : Number.POSITIVE_INFINITY,
      scaling?.requeueAfterMs ?? Number.POSITIVE_INFINITY,
    ),
    memory: scaling?.memory,
  };
}

function isAccepted({ conditions }: CapabilityStatus): boolean {
  return conditions.some(({ type, status }) => type === "Accepted" && status === "True");
}

/** Undefined without `scale`, and while the spec cannot be read. */
function scalingOf(
  read: ReadStored<StoredCapability>,
  observed: ObservedCapability,
  nowMs: number,
): ScalingOutcome | undefined {
  const scale = read.ok ? read.resource.spec.scale : undefined;
  if (scale === undefined) return undefined;
  return decideScaling({
    scale,
    observed: observed.scaling,
    pods: observed.pods,
    memory: observed.memory,
    previous: read.resource.status?.scale,
    nowMs,
  });
}

/**
 * Sums over the fresh sidecars: a stale one's numbers are no longer known. What nobody knows is
 * left out; it is not zero.
 */
function countsOf({ living, fresh, applied }: Survey<PoolReport>) {
  const parts = fresh.flatMap(({ report }) => report?.part ?? []);
  const unknown = parts.length === 0 && living.length > 0;
  const probed = fresh.flatMap(({ report }) => report?.multicastReachable ?? []);
  const reachable = probed.filter((it) => it).length;
  return {
    selectedPods: living.length,
    providers: applied.length,
    ...(unknown
      ? {}
      : {
          connections: parts.reduce((total, { connections }) => total + connections, 0),
          running: parts.reduce((total, { running }) => total + running, 0),
        }),
    ...(probed.length === 0
      ? {}
      : { multicast: { reachable, unreachable: probed.length - reachable } }),
  };
}

interface Judged {
  readonly refusal: Judgement | undefined;
  readonly scaling: ScalingOutcome | undefined;
}

function judge(surveyed: Survey<PoolReport>, { refusal, scaling }: Judged) {
  const rolling = rollingOut(surveyed);
  return {
    Ready: refusal ?? notApplied(surveyed) ?? serving,
    Progressing: rolling.status === "True" ? rolling : (scaling?.progressing ?? rolling),
    Degraded: scaling?.degraded ?? sidecarsMissing(surveyed) ?? asExpected,
    MulticastReachable: multicastOf(surveyed),
  };
}

function multicastOf({ fresh }: Survey<PoolReport>): Judgement {
  const probed = fresh.flatMap(({ report }) => report?.multicastReachable ?? []);
  if (probed.length === 0) {
    return { status: "Unknown", reason: "MulticastUnknown", message: "No sidecar has probed." };
  }
  if (probed.every((it) => it)) {
    const message = "Every sidecar that probed heard a neighbour.";
    return { status: "True", reason: "MulticastHeard", message };
  }
  const message = "Sidecars that probed heard no neighbour; peers come from the operator.";
  return { status: "False", reason: "MulticastSilent", message };
}

const serving: Judgement = {
  status: "True",
  reason: "Serving",
  message: "Selected sidecars provide by this generation.",
};
