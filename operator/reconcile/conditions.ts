/** Conditions from one reconcile to the next, and the events that their changes are worth. */
import type { Condition, ConditionReason, ConditionType } from "../schema/index.ts";
import type { ReconcileEvent } from "./outcome.ts";

/** What a reconcile says of one condition. */
export interface Judgement {
  readonly status: Condition["status"];
  readonly reason: ConditionReason;
  /** A sentence. Free of counts that change by the second: a changed message is a write. */
  readonly message: string;
}

/** What is judged, and when. */
export interface JudgedAt {
  /** metadata.generation. */
  readonly generation: number;
  /** Unix time, ms. */
  readonly nowMs: number;
}

/** Longest message of a condition, characters; the schema's bound. */
const maxMessageLength = 4_096;

/** What a reconcile says of each condition; `kept`: it stands as it was judged before. */
export type Judgements = Partial<Readonly<Record<ConditionType, Judgement | "kept">>>;

/**
 * Conditions in the order of the judgements. `lastTransitionTime` moves only when the status
 * changes.
 */
export function nextConditions(
  previous: readonly Condition[],
  judgements: Judgements,
  { generation, nowMs }: JudgedAt,
): Condition[] {
  const order = ["Accepted", "Ready", "Progressing", "Degraded", "MulticastReachable"] as const;
  return order.flatMap((type): Condition[] => {
    const judged = judgements[type];
    if (judged === undefined) return [];
    const before = previous.find((it) => it.type === type);
    if (judged === "kept") return before === undefined ? [] : [before];
    const lastTransitionTime =
      before?.status === judged.status ? before.lastTransitionTime : timeText(nowMs);
    const message = judged.message.slice(0, maxMessageLength);
    return [{ ...judged, type, message, observedGeneration: generation, lastTransitionTime }];
  });
}

/** A moment as Kubernetes writes it: RFC 3339 in whole seconds. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A moment that is computed anew each time may wander by this much before it is told anew. */
const steadyWithinMs = 2_500;

/** The time that stands already when it means the same moment; else the new one. */
export function steadyTime(previous: string | undefined, atMs: number): string {
  const close = previous !== undefined && Math.abs(Date.parse(previous) - atMs) <= steadyWithinMs;
  return close ? previous : timeText(atMs);
}

/**
 * Events that the change from one status to the next is worth: a refused spec, work that begins or
 * stops, and what is newly missing. A first look tells only what is wrong.
 */
export function eventsOf(
  previous: readonly Condition[] | undefined,
  next: readonly Condition[],
): ReconcileEvent[] {
  return next.flatMap((condition): ReconcileEvent[] => {
    const before = previous?.find((it) => it.type === condition.type);
    if (before?.status === condition.status && before.reason === condition.reason) return [];
    const event = { reason: condition.reason, note: condition.message };
    const { type, status } = condition;
    if (type === "Accepted" && status === "False") return [{ type: "Warning", ...event }];
    if (type === "Degraded") return status === "True" ? [{ type: "Warning", ...event }] : [];
    if (type === "Ready" && before !== undefined && before.status !== status) {
      if (status === "Unknown") return [];
      return [{ type: status === "True" ? "Normal" : "Warning", ...event }];
    }
    return [];
  });
}
