/**
 * Durations as people write them in manifests, headers and bodies: Go's form (`250ms`, `5s`,
 * `1h30m`), down to whole milliseconds. Source: https://pkg.go.dev/time#ParseDuration, without
 * signs and without the units below a millisecond.
 */
import { RuntimeError } from "./runtime-error.ts";

/** Longest text that is looked at. */
const maxTextLength = 64;

/** Longest duration that can be said: 100 years; anything beyond is a slip of the unit. */
export const maxDurationMs = 100 * 365 * 24 * 3_600_000;

/** Largest first: also the order in which they are written. */
const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

type Unit = keyof typeof unitMs;

// Sticky, one part at a time; `ms` before `m` so that `5ms` is not five minutes and an s.
const part = /([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/y;

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(unitMs, text);
}

/** A parsed duration, or why it is none. */
export type ParsedDuration =
  | { readonly ok: true; readonly valueMs: number }
  | { readonly ok: false; readonly error: RuntimeError };

function malformed(text: string): ParsedDuration {
  const shown = JSON.stringify(text.slice(0, maxTextLength));
  const message = `${shown} is no duration; write it as 250ms, 5s or 1h30m`;
  return { ok: false, error: new RuntimeError("DURATION_MALFORMED", message) };
}

/**
 * Reads a duration.
 * @param text at most 64 characters: numbers (decimal fractions allowed), each with one of the
 *   units h, m, s, ms; or a bare `0`.
 * @returns whole milliseconds (fractions of one are rounded), 0 … 100 years; else a RuntimeError
 *   `DURATION_MALFORMED` or `DURATION_OUT_OF_RANGE`.
 */
export function parseDuration(text: string): ParsedDuration {
  if (text === "0") return { ok: true, valueMs: 0 };
  if (text.length === 0 || text.length > maxTextLength) return malformed(text);
  let totalMs = 0;
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    const unit = match?.[2];
    if (match === null || !isUnit(unit)) return malformed(text);
    totalMs += Number(match[1]) * unitMs[unit];
  }
  if (totalMs > maxDurationMs) {
    const bound = formatDuration(maxDurationMs);
    const message = `${JSON.stringify(text)} is longer than the bound of ${bound}`;
    return { ok: false, error: new RuntimeError("DURATION_OUT_OF_RANGE", message) };
  }
  return { ok: true, valueMs: Math.round(totalMs) };
}

/**
 * Writes a duration in the form that `parseDuration` reads.
 * @param durationMs 0 or more, finite; fractions of a millisecond are rounded.
 * @returns the shortest sum of whole units, largest first: `1h30m`, `1s500ms`, `0s`.
 * @throws {RuntimeError} `DURATION_OUT_OF_RANGE` for a negative or non-finite number.
 */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs) || durationMs < 0) {
    throw new RuntimeError("DURATION_OUT_OF_RANGE", `${String(durationMs)} ms is no duration`);
  }
  let restMs = Math.round(durationMs);
  let text = "";
  for (const [unit, sizeMs] of Object.entries(unitMs)) {
    const count = Math.floor(restMs / sizeMs);
    if (count > 0) text += `${String(count)}${unit}`;
    restMs -= count * sizeMs;
  }
  return text === "" ? "0s" : text;
}
