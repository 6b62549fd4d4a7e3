/** What makes a status worth a write, and how soon. */

/** How a status looks here: counts and texts, nested, and conditions. */
export interface WritableStatus {
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly observedGeneration?: number;
  }[];
}

/**
 * `urgent`: there was no status, a condition differs, a count left or reached zero, or something
 * that is no count changed. `counts`: other counts differ, or a condition's words.
 */
export type StatusDifference = "none" | "counts" | "urgent";

/** How two statuses differ. */
export function differenceOf(
  written: WritableStatus | undefined,
  wanted: WritableStatus,
): StatusDifference {
  if (written === undefined) return "urgent";
  if (sameValue(written, wanted)) return "none";
  const { conditions: before, ...countsBefore } = written;
  const { conditions: after, ...countsAfter } = wanted;
  const verdicts = (list: WritableStatus["conditions"]): unknown =>
    list.map((it) => [it.type, it.status, it.reason, it.observedGeneration]);
  if (!sameValue(verdicts(before), verdicts(after))) return "urgent";
  return crossesZero(countsBefore, countsAfter) ? "urgent" : "counts";
}

/**
 * Some count, at whatever depth, is zero (or absent) on one side only, or something that is no
 * count changed: the generation, a time.
 */
function crossesZero(before: unknown, after: unknown): boolean {
  if (isRecord(before) && isRecord(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].some((key) => {
      if (key === "observedGeneration") return before[key] !== after[key];
      return crossesZero(before[key], after[key]);
    });
  }
  return isNothing(before) !== isNothing(after);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equality of plain values; an absent field is as good as an undefined one. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((each, at) => sameValue(each, right[at]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  // Asked for each status that comes and goes: nothing is made on the way.
  for (const key in left) if (!sameValue(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
