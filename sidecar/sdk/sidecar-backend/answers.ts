/**
 * What the sidecar's JSON answers say. They come from another process, which may be newer or older:
 * every field is looked at before it is used.
 */
import { assertNever } from "../../core/ports.ts";
import { parseDuration } from "../../runtime/duration.ts";
import type { CarriedOutcome, SystemError } from "../outcome.ts";
import type { Delivery } from "../work-backend.ts";
import type { HttpAnswer } from "./sidecar-http.ts";

/** A field of an answer, undefined when the value is no object or has no such field. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

/** A field that is a string. */
export function text(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === "string" ? found : undefined;
}

function count(value: unknown, name: string): number | undefined {
  const found = field(value, name);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

/** A problem+json answer as a refusal. */
export function refusalOf(status: number, json: unknown): SystemError {
  return {
    code: text(json, "code") ?? "INTERNAL",
    message: text(json, "detail") ?? `The sidecar answered with HTTP status ${status}.`,
  };
}

/** The outcome in an item, undefined while it has none. */
export function outcomeOf(item: unknown): CarriedOutcome | undefined {
  const outcome = field(item, "outcome");
  if (outcome === undefined) {
    return undefined;
  }
  const provider = text(item, "provider");
  const from = {
    run: count(outcome, "run") ?? 1,
    ...(provider === undefined ? {} : { provider }),
  };
  const error = field(outcome, "error");
  if (error !== undefined) {
    return { ...from, kind: "error", error: applicationErrorOf(error) };
  }
  const system = field(outcome, "system");
  if (system !== undefined) {
    const code = text(system, "code") ?? "INTERNAL";
    return { ...from, kind: "system", system: { code, message: text(system, "message") ?? "" } };
  }
  const json = field(outcome, "result");
  return { ...from, kind: "result", result: { encoding: "json", json } };
}

function applicationErrorOf(error: unknown): {
  code: string;
  message: string;
  retryable: boolean;
  details: string;
} {
  const details = field(error, "details");
  return {
    code: text(error, "code") ?? "",
    message: text(error, "message") ?? "",
    retryable: field(error, "retryable") === true,
    details: details === undefined || details === "" ? "" : JSON.stringify(details),
  };
}

/** The items of a pull. */
export function deliveriesOf(json: unknown): readonly Delivery[] {
  const items = field(json, "items");
  return Array.isArray(items) ? items.flatMap((item: unknown) => deliveryOf(item) ?? []) : [];
}

function deliveryOf(item: unknown): Delivery | undefined {
  const ticket = text(item, "ticket");
  const lease = text(item, "lease");
  if (ticket === undefined || lease === undefined) {
    return undefined;
  }
  const deadline = parseDuration(text(item, "deadline") ?? "");
  const traceparent = text(item, "traceparent");
  return {
    ticket,
    lease,
    attempt: count(item, "attempt") ?? 1,
    request: { encoding: "json", json: field(item, "request") },
    ...(deadline.ok ? { deadlineMs: deadline.valueMs } : {}),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** The JSON of an event or of carried details; undefined when it is none. */
export function parseData(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** Why there is no good answer, one clause. */
export function describe(answer: HttpAnswer): string {
  switch (answer.kind) {
    case "answered":
      return text(answer.json, "detail") ?? `HTTP status ${answer.status}`;
    case "aborted":
      return "this program stopped waiting";
    case "unreachable":
    case "invalid":
      return answer.reason;
    default:
      return assertNever(answer);
  }
}
