/** A Capability's scale target: how many replicas, whom to ask, what to write. */
import type { CapabilityStatus, Condition } from "../schema/index.ts";
import { type Judgement, steadyTime, timeText } from "./conditions.ts";
import type { PoolReport, SelectedPod } from "./observed.ts";
import type { Action, ReconcileEvent } from "./outcome.ts";
import {
  firstMemory,
  nextWish,
  type ReplicaWish,
  type ScaleSpec,
  type WishMemory,
} from "./replica-wish.ts";
import type { RouteWork } from "./route.ts";
import { noScaleIn, type ScaleInMemory, type ScaleInStep, scaleInStep } from "./scale-in.ts";

/** The target's subresource `scale`, as it was read last. */
export type ScaleTarget =
  | {
      readonly found: true;
      /** Replicas that it asks for. */
      readonly replicas: number;
      /** Pods that it has, with a sidecar or without. */
      readonly pods: number;
      readonly resourceVersion: string;
      /** Uids of the selected pods that are the target's own. */
      readonly podUids: ReadonlySet<string>;
    }
  | { readonly found: false; readonly why: "NotFound" | "Forbidden" };

/** What scaling is shown. */
export interface ObservedScaling {
  /** Absent: it could not be read now. */
  readonly target?: ScaleTarget;
  readonly work: RouteWork;
  /** Name of the Capability that scales this route or target already. */
  readonly scaledAlreadyBy?: string;
}

/** What is remembered between two looks; undefined at first and for a new leader. */
export interface ScaleMemory {
  readonly wish: WishMemory;
  readonly scaleIn: ScaleInMemory;
  readonly lastScaleTime?: string;
}

/** What scaling comes to. */
export interface ScalingOutcome {
  readonly actions: readonly Action[];
  readonly events: readonly ReconcileEvent[];
  readonly status?: NonNullable<CapabilityStatus["scale"]>;
  /** Something is on its way, or held. */
  readonly progressing?: Judgement;
  readonly degraded?: Judgement;
  /** To be remembered if every action was done; else the one of before. */
  readonly memory: ScaleMemory | undefined;
  readonly requeueAfterMs: number;
}

/** The whole input of one decision. */
export interface ScalingInput {
  readonly scale: ScaleSpec;
  readonly observed: ObservedScaling;
  readonly pods: readonly SelectedPod<PoolReport>[];
  readonly memory: ScaleMemory | undefined;
  readonly previous: CapabilityStatus["scale"];
  readonly nowMs: number;
}

/** The target is not watched: whole clusters of Deployments would be. It is read this often. */
export const targetPollMs = 15_000;

/** What is not there, or may not be read, is asked for this often. */
const missingPollMs = 60_000;

/** Decides about the target. */
export function decideScaling(input: ScalingInput): ScalingOutcome {
  const { observed, memory, previous, nowMs, scale } = input;
  const { target, scaledAlreadyBy } = observed;
  if (scaledAlreadyBy !== undefined) {
    const message = `Capability ${scaledAlreadyBy} scales this route or this target already; take scale out of one of the two.`;
    return standStill(input, { reason: "RouteAlreadyScaled", message });
  }
  if (target === undefined) {
    const kept = previous === undefined ? {} : { status: previous };
    return { actions: [], events: [], ...kept, memory, requeueAfterMs: targetPollMs };
  }
  if (!target.found) return standStill(input, missingTarget(scale, target.why));
  const own = input.pods.filter(({ pod }) => target.podUids.has(pod.uid));
  const idleSinceMs =
    previous?.idleSince === undefined ? undefined : Date.parse(previous.idleSince);
  const wish = nextWish(
    scale,
    {
      items: observed.work.items,
      unknown: observed.work.unreported.length > 0,
      current: target.replicas,
    },
    { memory: memory?.wish ?? firstMemory(target.replicas, idleSinceMs, nowMs), nowMs },
  );
  const step = scaleInStep(
    {
      targetKind: scale.targetRef.kind,
      pods: own,
      existing: target.pods,
      current: target.replicas,
      desired: wish.desired,
    },
    memory?.scaleIn ?? noScaleIn,
    nowMs,
  );
  return outcomeOf(input, { own, wish, step, target });
}

interface Decided {
  readonly own: readonly SelectedPod<PoolReport>[];
  readonly wish: ReplicaWish;
  readonly step: ScaleInStep;
  readonly target: Extract<ScaleTarget, { found: true }>;
}

function outcomeOf(input: ScalingInput, { own, wish, step, target }: Decided): ScalingOutcome {
  const { observed, memory, previous, nowMs } = input;
  const { replicas: current, resourceVersion } = target;
  const replicas = wish.desired > current ? wish.desired : current - step.lowerBy;
  const changed = replicas !== current;
  const earlier = memory?.lastScaleTime ?? previous?.lastScaleTime;
  const lastScaleTime = changed ? timeText(nowMs) : earlier;
  const idle = observed.work.items === 0 && observed.work.unreported.length === 0;
  const actions: Action[] = [
    { type: "quiesce", podUids: step.quiesced },
    ...marks(own, step),
    ...(changed ? [{ type: "scale", replicas, resourceVersion } as const] : []),
  ];
  const idleSince = steadyTime(previous?.idleSince, wish.memory.workedAtMs);
  const progressing = progressOf(input, { own, wish, step, target });
  return {
    actions,
    events: eventsOf(input, { from: current, to: replicas, step }),
    status: {
      currentReplicas: current,
      desiredReplicas: wish.desired,
      quiescingPods: step.quiesced.length,
      ...(idle ? { idleSince } : {}),
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    },
    ...(progressing === undefined ? {} : { progressing }),
    memory: {
      wish: wish.memory,
      scaleIn: step.memory,
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    },
    requeueAfterMs: Math.min(
      targetPollMs,
      wish.changesAfterMs,
      step.changesAfterMs,
      observed.work.changesAfterMs,
    ),
  };
}

/** Marks that are missing, and marks of an earlier time that are to go. */
function marks(own: readonly SelectedPod<PoolReport>[], { marked }: ScaleInStep): Action[] {
  const wanted = new Set(marked.map(({ pod }) => pod.uid));
  return own.flatMap(({ pod }): Action[] => {
    if (pod.deleted || pod.ended) return [];
    const should = wanted.has(pod.uid);
    return pod.removedFirst === should
      ? []
      : [{ type: "markPod", podName: pod.name, removedFirst: should }];
  });
}

function progressOf(
  { observed }: ScalingInput,
  { wish, step, target }: Decided,
): Judgement | undefined {
  if (wish.heldByUnknown) {
    const names = observed.work.unreported.slice(0, 3).join(", ");
    const rest = observed.work.unreported.length > 3 ? " and more" : "";
    const message = `Replicas may only rise until these pods have reported: ${names}${rest}.`;
    return { status: "True", reason: "ReportsMissing", message };
  }
  if (wish.desired === target.replicas && step.quiesced.length === 0) return undefined;
  const way = wish.desired > target.replicas ? "up" : "down";
  return { status: "True", reason: "Scaling", message: `Replicas are on their way ${way}.` };
}

function eventsOf(
  { scale, observed }: ScalingInput,
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: ScaleInStep },
): ReconcileEvent[] {
  const target = `${scale.targetRef.kind} ${scale.targetRef.name}`;
  const events: ReconcileEvent[] = step.undone.map(({ pod }) => ({
    type: "Warning",
    reason: "ScaleInUndone",
    note: `Pod ${pod.name} was to be removed and is still there after 30 s; it takes work again.`,
  }));
  if (to === from) return events;
  const note = `${target}: replicas ${from} → ${to}, for ${observed.work.items} ready and leased items.`;
  return [...events, { type: "Normal", reason: to > from ? "ScaledUp" : "ScaledDown", note }];
}

function missingTarget(
  { targetRef }: ScaleSpec,
  why: "NotFound" | "Forbidden",
): { readonly reason: Condition["reason"]; readonly message: string } {
  const target = `${targetRef.kind} ${targetRef.name}`;
  return why === "NotFound"
    ? {
        reason: "ScaleTargetNotFound",
        message: `There is no ${target} in this namespace; correct spec.scale.targetRef or create it.`,
      }
    : {
        reason: "ScaleTargetForbidden",
        message: `The operator may not scale ${target}; grant it get and patch on its subresource scale.`,
      };
}

/** Nothing is scaled, and nobody waits to be removed. */
function standStill(
  input: Pick<ScalingInput, "pods" | "memory">,
  degraded: Omit<Judgement, "status">,
): ScalingOutcome {
  return {
    actions: letGo(input.pods, input.memory),
    events: [],
    degraded: { status: "True", ...degraded },
    memory: undefined,
    requeueAfterMs: missingPollMs,
  };
}

/**
 * Lets every candidate work again. Only marks that are remembered are taken back: others may be
 * those of a Capability that scales the same pods.
 */
export function letGo(
  pods: readonly SelectedPod<PoolReport>[],
  memory: ScaleMemory | undefined,
): Action[] {
  const remembered = new Set(memory?.scaleIn.candidates.map(({ podUid }) => podUid));
  const marked = pods.filter(
    ({ pod }) => remembered.has(pod.uid) && !pod.deleted && pod.removedFirst,
  );
  return [
    { type: "quiesce", podUids: [] },
    ...marked.map(
      ({ pod }): Action => ({ type: "markPod", podName: pod.name, removedFirst: false }),
    ),
  ];
}
