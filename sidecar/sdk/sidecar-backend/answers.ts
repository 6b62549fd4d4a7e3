/**
 * What the sidecar's JSON answers say. They come from another process, which may be newer or older:
 * every field is looked at before it is used.
 */
import { assertNever } from "../../core/ports.ts";
import { parseDuration } from "../../runtime/duration.ts";
import type { CarriedOutcome, EncodedMessage, SystemError } from "../outcome.ts";
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
  // Binary where the sidecar no longer has the contract that the result belongs to.
  const base64 = text(outcome, "resultProtobuf");
  const result: EncodedMessage =
    base64 === undefined
      ? { encoding: "json", json: field(outcome, "result") }
      : { encoding: "binary", bytes: Buffer.from(base64, "base64") };
  return { ...from, kind: "result", result };
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

/** The item that a pull was answered with, as protobuf; undefined when there was none. */
export function deliveryOf(answer: HttpAnswer): Delivery | undefined {
  if (answer.kind !== "answered" || answer.message === undefined) {
    return undefined;
  }
  const { headers, message } = answer;
  const { "spillway-ticket": ticket, "spillway-lease": lease, traceparent } = headers;
  if (answer.status !== 200 || typeof ticket !== "string" || typeof lease !== "string") {
    return undefined;
  }
  const attempt = Number(headers["spillway-attempt"]);
  const deadline = parseDuration(String(headers["spillway-deadline"] ?? ""));
  return {
    ticket,
    lease,
    attempt: Number.isInteger(attempt) ? attempt : 1,
    request: { encoding: "binary", bytes: message },
    ...(deadline.ok ? { deadlineMs: deadline.valueMs } : {}),
    ...(typeof traceparent === "string" ? { traceparent } : {}),
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
