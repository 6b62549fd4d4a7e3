import { WorkError } from "./refusal.ts";

/** Longest duration that an option or an item may name: 7 days, in ms. */
export const maxDurationMs = 7 * 24 * 3_600_000;

/** Largest payload that a message of 16 MiB holds beside its other fields, bytes. */
export const largestPayloadBytes = 16 * 1_048_576 - 65_536;

/** A number with its inclusive bounds. */
export interface NumberBound {
  readonly field: string;
  readonly min: number;
  readonly max: number;
  /** Fractions are allowed. Default false. */
  readonly fraction?: boolean;
}

/**
 * @returns `value`, or `fallback` when it is undefined.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
export function numberOption(
  value: number | undefined,
  fallback: number,
  bound: NumberBound,
): number {
  if (value === undefined) return fallback;
  const whole = bound.fraction === true ? Number.isFinite(value) : Number.isInteger(value);
  if (!whole || value < bound.min || value > bound.max) {
    throw new WorkError(
      "INVALID_OPTION",
      `${bound.field} is ${String(value)}; it must be a number from ${String(bound.min)} to ` +
        `${String(bound.max)}`,
    );
  }
  return value;
}
