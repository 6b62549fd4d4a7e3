/**
 * Durations as resources write them: Go's form, `250ms`, `5s`, `1h30m`. Strings, not numbers, so
 * that a reader sees the unit; the same form that Kubernetes' `duration()` reads in CEL.
 * Source: https://pkg.go.dev/time#ParseDuration, without signs and units below a millisecond.
 */
import { celRule, refusedWith } from "./rule.ts";
import { formField, matchesExpression, type TextForm } from "./text-form.ts";

/**
 * What a duration looks like; at most four parts, `ms` before `m` so that 5ms is no five minutes.
 */
export const durationForm: TextForm = {
  pattern: /^([0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h)){1,4}$/,
  form: "a duration such as 250ms, 5s or 1h30m",
  maxLength: 32,
};

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/**
 * Reads a duration.
 * @returns whole milliseconds; NaN for a text that is not of `durationForm`.
 */
export function durationMs(text: string): number {
  if (!durationForm.pattern.test(text)) return Number.NaN;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    totalMs += Number(amount) * (unitMs[unit ?? ""] ?? Number.NaN);
  }
  return Math.round(totalMs);
}

/** Bounds of a duration field, in the form that is written. */
export interface DurationBounds {
  readonly min: string;
  readonly max: string;
}

/**
 * A field that holds a duration.
 * @param description what it means, one sentence; the bounds are added.
 */
export function durationField(description: string, { min, max }: DurationBounds) {
  const bound = `${min} to ${max}`;
  const words = {
    problem: "is out of range",
    bound,
    remedy: `Write a duration from ${bound}.`,
  };
  const inRange = `duration(self) >= duration('${min}') && duration(self) <= duration('${max}')`;
  return formField(durationForm, {
    description: `${description} A duration from ${bound}.`,
    rules: [celRule(`!${matchesExpression(durationForm)} || (${inRange})`, words)],
  }).refine(
    (text) => durationMs(text) >= durationMs(min) && durationMs(text) <= durationMs(max),
    refusedWith(words),
  );
}
