/** How an item is to be handled: from headers (one item) or from JSON (a batch). */
import { formatDuration, parseDuration } from "../runtime/index.ts";
import { apiLimits } from "./limits.ts";
import type { AddOptions, Result } from "./ports.ts";
import type { Refusal } from "./problem-code.ts";

/** Keys are visible ASCII, so that they look alike in headers, JSON and logs. */
const key = { type: "string", minLength: 1, maxLength: 256, pattern: "^[ -~]+$" } as const;
const duration = { type: "string", maxLength: 64 } as const;
const idempotency = {
  ...key,
  description: "The same key gives the same ticket for as long as its outcome is kept.",
} as const;
const delay = { ...duration, description: "Not granted before this has passed: 250ms." } as const;
const deadline = {
  ...duration,
  description: "Must have a result within this, else it is expired: 1h30m.",
} as const;
const fairness = {
  ...key,
  description: "Items of different keys take turns inside a priority.",
} as const;
const ordering = {
  ...key,
  description: "At most one item of a key is in flight, in the order of being added.",
} as const;
const submitter = { ...key, description: "Who adds: narrows an outcome stream." } as const;
const traceparent = {
  type: "string",
  description: "W3C trace context; ignored when malformed.",
} as const;
const priority = {
  type: "integer",
  minimum: 0,
  maximum: 9,
  description: "9 is most urgent; 4 when absent.",
} as const;

/** Schema of the headers of an add. */
export const addHeadersSchema = {
  type: "object",
  properties: {
    "idempotency-key": idempotency,
    "spillway-priority": priority,
    "spillway-delay": delay,
    "spillway-deadline": deadline,
    "spillway-fairness-key": fairness,
    "spillway-ordering-key": ordering,
    "spillway-submitter": submitter,
    traceparent,
    prefer: {
      type: "string",
      description: "`wait=SECONDS`, at most 300: answer with the outcome if there is one in time.",
    },
  },
} as const;

/** Schema of `options` in a batch. */
export const addOptionsSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    idempotencyKey: idempotency,
    priority,
    delay,
    deadline,
    fairnessKey: fairness,
    orderingKey: ordering,
    submitter,
    traceparent,
  },
} as const;

/** Options as headers and batches carry them: strings, not yet durations. */
export interface AddOptionsInput {
  readonly idempotencyKey?: string | undefined;
  readonly priority?: number | undefined;
  readonly delay?: string | undefined;
  readonly deadline?: string | undefined;
  readonly fairnessKey?: string | undefined;
  readonly orderingKey?: string | undefined;
  readonly submitter?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Headers of an add after their schema was applied. */
export interface AddHeaders {
  readonly "idempotency-key"?: string;
  readonly "spillway-priority"?: number;
  readonly "spillway-delay"?: string;
  readonly "spillway-deadline"?: string;
  readonly "spillway-fairness-key"?: string;
  readonly "spillway-ordering-key"?: string;
  readonly "spillway-submitter"?: string;
  readonly traceparent?: string;
  readonly prefer?: string;
}

/** Field names for refusals: where the caller wrote the value. */
type FieldPathOf = (field: keyof AddOptionsInput) => string;

/** Version 00, and what a later version begins with. Source: www.w3.org/TR/trace-context. */
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** Options of one item from its headers. Refusal: INVALID_ARGUMENT. */
export function addOptionsOfHeaders(headers: AddHeaders): Result<AddOptions> {
  const input: AddOptionsInput = {
    idempotencyKey: headers["idempotency-key"],
    priority: headers["spillway-priority"],
    delay: headers["spillway-delay"],
    deadline: headers["spillway-deadline"],
    fairnessKey: headers["spillway-fairness-key"],
    orderingKey: headers["spillway-ordering-key"],
    submitter: headers["spillway-submitter"],
    traceparent: headers.traceparent,
  };
  return resolveAddOptions(input, (field) => `headers.Spillway-${capitalised(field)}`);
}

function capitalised(field: string): string {
  return `${field.slice(0, 1).toUpperCase()}${field.slice(1)}`;
}

/** Options of one item of a batch. Refusal: INVALID_ARGUMENT. */
export function addOptionsOfJson(input: AddOptionsInput, at: string): Result<AddOptions> {
  return resolveAddOptions(input, (field) => `${at}.${field}`);
}

function resolveAddOptions(input: AddOptionsInput, pathOf: FieldPathOf): Result<AddOptions> {
  const delayMs = durationOf(input.delay, pathOf("delay"));
  if (!delayMs.ok) return delayMs;
  const deadlineMs = durationOf(input.deadline, pathOf("deadline"));
  if (!deadlineMs.ok) return deadlineMs;
  const { idempotencyKey, priority: urgency, fairnessKey, orderingKey, submitter: who } = input;
  const trace = validTraceparent(input.traceparent);
  const options: AddOptions = {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(urgency === undefined ? {} : { priority: urgency }),
    ...(delayMs.value === undefined ? {} : { delayMs: delayMs.value }),
    ...(deadlineMs.value === undefined ? {} : { deadlineMs: deadlineMs.value }),
    ...(fairnessKey === undefined ? {} : { fairnessKey }),
    ...(orderingKey === undefined ? {} : { orderingKey }),
    ...(who === undefined ? {} : { submitter: who }),
    ...(trace === undefined ? {} : { traceparent: trace }),
  };
  return { ok: true, value: options };
}

/** A malformed trace context is dropped, as the standard asks: tracing never fails a call. */
function validTraceparent(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= 128 && traceparentPattern.test(text)
    ? text
    : undefined;
}

/** An optional duration of a field. Refusal: INVALID_ARGUMENT that names the field. */
export function durationOf(
  text: string | undefined,
  fieldPath: string,
): Result<number | undefined> {
  if (text === undefined) return { ok: true, value: undefined };
  const parsed = parseDuration(text);
  if (parsed.ok) return { ok: true, value: parsed.valueMs };
  const detail = `${fieldPath}: ${parsed.error.message}.`;
  return { ok: false, refusal: { code: "INVALID_ARGUMENT", detail, fieldPath, value: text } };
}

/**
 * An optional wait: whole or decimal seconds (`5`, `0.5`) or a duration (`5s`).
 * @returns ms, 0 … 300,000; refusal INVALID_ARGUMENT.
 */
export function waitOf(text: string | undefined, fieldPath: string): Result<number | undefined> {
  const seconds = text !== undefined && /^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(text);
  const parsed = durationOf(seconds ? `${text}s` : text, fieldPath);
  if (!parsed.ok || parsed.value === undefined || parsed.value <= apiLimits.waitMs) return parsed;
  const bound = formatDuration(apiLimits.waitMs);
  const detail = `${fieldPath} is longer than ${bound}; ask again when the time is over.`;
  const refusal: Refusal = {
    code: "INVALID_ARGUMENT",
    detail,
    fieldPath,
    bound,
    value: text ?? "",
  };
  return { ok: false, refusal };
}

/** The wait of a `Prefer` header, if it has one. Other preferences are ignored (RFC 7240). */
export function preferredWaitOf(prefer: string | undefined): Result<number | undefined> {
  for (const preference of (prefer ?? "").split(/[,;]/)) {
    const match = /^\s*wait\s*=\s*"?([^"\s]*)"?\s*$/i.exec(preference);
    if (match !== null) return waitOf(match[1], "headers.Prefer");
  }
  return { ok: true, value: undefined };
}
