/** A Demand: who hosts its queues, what is in them, who provides. */
import type { DemandStatus, ReadStored, StoredDemand } from "../schema/index.ts";
import { acceptance, pausedConditions, refusalJudgement } from "./accepted.ts";
import {
  eventsOf,
  type Judgement,
  type Judgements,
  nextConditions,
  steadyTime,
} from "./conditions.ts";
import type { ItemCounts, Observed, QueueReport } from "./observed.ts";
import type { Outcome } from "./outcome.ts";
import {
  asExpected,
  notApplied,
  readyStandsForMs,
  rollingOut,
  sidecarsMissing,
} from "./sidecar-judgement.ts";
import { type Survey, survey } from "./survey.ts";

/**
 * Decides about a Demand.
 * @param read the resource as it stands; its status is the one that was decided last.
 * @param nowMs see `observed.ts`.
 */
export function reconcileDemand(
  read: ReadStored<StoredDemand>,
  observed: Observed<QueueReport>,
  nowMs: number,
): Outcome<DemandStatus> {
  const { metadata, status: previous } = read.resource;
  const at = { generation: metadata.generation, nowMs };
  if (observed.reconcilePaused) {
    const judged = pausedConditions(previous?.conditions ?? []);
    const conditions = nextConditions(previous?.conditions ?? [], judged, at);
    const status = { ...previous, conditions };
    return { actions: [], status, events: [], requeueAfterMs: Number.POSITIVE_INFINITY };
  }
  const accepted = acceptance(read, observed.contract);
  const surveyed = survey(observed.pods, { ...at, leaderSinceMs: observed.leaderSinceMs });
  const known = previous?.observedGeneration === at.generation ? previous : undefined;
  const refusal = refusalJudgement(accepted);
  if (surveyed.settling && known !== undefined && isAccepted(known) === (refusal === undefined)) {
    return {
      actions: accepted.actions,
      status: known,
      events: [],
      requeueAfterMs: surveyed.changesAfterMs,
    };
  }
  const paused = read.ok && read.resource.spec.paused;
  const counts = countsOf(surveyed, { previous, nowMs });
  const before = previous?.conditions ?? [];
  const standsMs = refusal === undefined ? readyStandsForMs(surveyed, before, nowMs) : 0;
  const judged: Judgements = {
    Accepted: accepted.judgement,
    ...judge(surveyed, { counts, refusal, paused }),
    ...(standsMs > 0 ? { Ready: "kept" } : {}),
  };
  const conditions = nextConditions(previous?.conditions ?? [], judged, at);
  return {
    actions: accepted.actions,
    status: { observedGeneration: at.generation, ...counts, conditions },
    events: eventsOf(previous?.conditions, conditions),
    requeueAfterMs: Math.min(surveyed.changesAfterMs, standsMs > 0 ? standsMs : Infinity),
  };
}

function isAccepted({ conditions }: DemandStatus): boolean {
  return conditions.some(({ type, status }) => type === "Accepted" && status === "True");
}

type Counts = Omit<DemandStatus, "conditions" | "observedGeneration">;

/**
 * Sums over the fresh sidecars: a stale one's numbers are no longer known. What nobody knows is
 * left out; it is not zero.
 */
function countsOf(
  { living, fresh, applied }: Survey<QueueReport>,
  { previous, nowMs }: { readonly previous: DemandStatus | undefined; readonly nowMs: number },
): Counts {
  const queues = fresh.flatMap(({ report }) =>
    report?.part === undefined ? [] : [{ receivedAtMs: report.receivedAtMs, part: report.part }],
  );
  const parts = queues.map(({ part }) => part);
  const unknown = parts.length === 0 && living.length > 0;
  const oldest = Math.min(
    ...queues.flatMap(({ receivedAtMs, part: { oldestReadyMs } }) =>
      oldestReadyMs === undefined ? [] : [Math.min(receivedAtMs, nowMs) - oldestReadyMs],
    ),
  );
  return {
    selectedPods: living.length,
    queues: applied.length,
    ...(unknown ? {} : knownCounts(parts)),
    ...(Number.isFinite(oldest)
      ? { oldestReadySince: steadyTime(previous?.oldestReadySince, oldest) }
      : {}),
  };
}

function knownCounts(parts: readonly QueueReport[]) {
  return {
    items: itemSums(parts),
    connectedProviders: new Set(parts.flatMap(({ providers }) => providers)).size,
    providerDeficit: sum(parts.map(({ deficit }) => deficit)),
  };
}

function itemSums(parts: readonly QueueReport[]): ItemCounts {
  const of = (state: keyof ItemCounts): number => sum(parts.map(({ items }) => items[state]));
  return {
    ready: of("ready"),
    delayed: of("delayed"),
    leased: of("leased"),
    done: of("done"),
    dead: of("dead"),
    cancelled: of("cancelled"),
    expired: of("expired"),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

interface Judged {
  readonly counts: Counts;
  readonly refusal: Judgement | undefined;
  readonly paused: boolean;
}

function judge(surveyed: Survey<QueueReport>, { counts, refusal, paused }: Judged) {
  const unapplied = notApplied(surveyed);
  const noProviders: Judgement | undefined =
    (counts.connectedProviders ?? 0) > 0
      ? undefined
      : {
          status: "False",
          reason: "NoProviders",
          message:
            "No provider is connected; start pods that a Capability of the same request and response selects.",
        };
  const ready = refusal ?? unapplied ?? noProviders;
  const belowDesired = (counts.providerDeficit ?? 0) > 0 && unapplied === undefined;
  const degraded = sidecarsMissing(surveyed) ?? (belowDesired ? below : undefined);
  const rolling = rollingOut(surveyed);
  const settledButPaused = paused && rolling.status === "False";
  return {
    Ready: ready ?? serving,
    Progressing: settledButPaused ? grantsNothing : rolling,
    Degraded: degraded ?? asExpected,
  };
}

const serving: Judgement = {
  status: "True",
  reason: "Serving",
  message: "Selected sidecars hold queues of this generation, and providers are connected.",
};

const grantsNothing: Judgement = {
  status: "False",
  reason: "Paused",
  message: "spec.paused is true: nothing is granted, adding goes on.",
};

const below: Judgement = {
  status: "True",
  reason: "BelowDesired",
  message: "Fewer providers are connected than desiredProviders asks for, on one queue or more.",
};
