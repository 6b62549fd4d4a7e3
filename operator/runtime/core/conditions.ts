/**
 * Conditions of a status: one entry per type, whose time moves only when its status does. Source:
 * Kubernetes API conventions, "Typical status properties".
 */

/** Whether something holds. */
export type ConditionStatus = "True" | "False" | "Unknown";

/** One condition, as it is stored. */
export interface Condition {
  /** For example `Ready`. */
  readonly type: string;
  readonly status: ConditionStatus;
  /** One word in CamelCase, for machines. */
  readonly reason: string;
  /** A sentence, for people; at most 32,768 characters. */
  readonly message: string;
  /** RFC 3339, whole seconds: when `status` changed last. */
  readonly lastTransitionTime: string;
  /** `metadata.generation` that it speaks of. */
  readonly observedGeneration?: number;
}

/** A condition as a controller states it: without its time. */
export type StatedCondition = Omit<Condition, "lastTransitionTime">;

/** @returns the condition of a type. */
export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** @returns the time in the form of the API: RFC 3339 without fractions. */
export function timeOf(nowEpochMs: number): string {
  return new Date(nowEpochMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/**
 * States conditions: sets those that are stated, leaves the others.
 * @returns the list, in the order known before; the very same one if nothing changed.
 */
export function setConditions(
  conditions: readonly Condition[],
  stated: readonly StatedCondition[],
  nowEpochMs: number,
): readonly Condition[] {
  let changed = false;
  const byType = new Map(conditions.map((condition) => [condition.type, condition]));
  for (const next of stated) {
    const known = byType.get(next.type);
    if (known !== undefined && isSame(known, next)) continue;
    changed = true;
    const moved = known?.status !== next.status;
    const lastTransitionTime =
      moved || known === undefined ? timeOf(nowEpochMs) : known.lastTransitionTime;
    byType.set(next.type, { ...next, lastTransitionTime });
  }
  return changed ? [...byType.values()] : conditions;
}

function isSame(known: StatedCondition, next: StatedCondition): boolean {
  return (
    known.status === next.status &&
    known.reason === next.reason &&
    known.message === next.message &&
    known.observedGeneration === next.observedGeneration
  );
}
