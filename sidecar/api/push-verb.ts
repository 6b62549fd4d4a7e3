/**
 * What an application's answer to a pushed item means. Status codes as in design/api.md: 2xx
 * completes; 408, 425, 429, 5xx and a reset fail, to be tried again; every other status rejects;
 * no connection releases.
 */
import type { PayloadCodec } from "../wire/contract.ts";
import { jsonMediaType, mediaTypeOf } from "./media-type.ts";
import { payloadOfBytes } from "./payload.ts";
import type { ApplicationErrorView, LeaseVerb } from "./ports.ts";
import type { PushAnswer } from "./push-exchange.ts";

/** Bounds of an application's error; what is longer is cut. */
const maxCodeLength = 64;
const maxMessageLength = 4_096;
const maxDetailsLength = 16 * 1024;
/** Longest delay that a `Retry-After` can ask for: a day. */
const maxDelayMs = 24 * 3_600_000;

const retryableStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/** An answer that says something about the item: not one that the sidecar itself cut off. */
export type JudgedAnswer = Exclude<PushAnswer, { readonly kind: "aborted" }>;

/**
 * @param response codec of the contract's response message.
 * @param nowEpochMs wall clock, for a `Retry-After` that is a date.
 */
export function verbOfAnswer(
  answer: JudgedAnswer,
  response: PayloadCodec,
  nowEpochMs: number,
): LeaseVerb {
  switch (answer.kind) {
    case "refused":
      return { verb: "release", reason: `the application's port refused: ${answer.reason}` };
    case "lost": {
      const message = `The connection to the application was lost: ${answer.reason}`;
      return { verb: "fail", error: errorOf("CONNECTION_LOST", message, true) };
    }
    case "tooLarge": {
      const message = `The answer with status ${String(answer.status)} is larger than a message.`;
      return { verb: "reject", error: errorOf("PAYLOAD_TOO_LARGE", message, false) };
    }
    case "answered":
      return verbOfStatus(answer, response, nowEpochMs);
    default: {
      const never: never = answer;
      return never;
    }
  }
}

type Answered = Extract<PushAnswer, { readonly kind: "answered" }>;

function verbOfStatus(answer: Answered, response: PayloadCodec, nowEpochMs: number): LeaseVerb {
  const { status } = answer;
  if (status >= 200 && status < 300) return verbOfResult(answer, response);
  if (!retryableStatuses.has(status) && status < 500) {
    return { verb: "reject", error: errorOfBody(answer, false) };
  }
  const delayMs = delayOf(answer.retryAfter, nowEpochMs);
  const error = errorOfBody(answer, true);
  return { verb: "fail", error, ...(delayMs === undefined ? {} : { delayMs }) };
}

/** An empty answer is the empty message, if that is a valid one. */
function verbOfResult({ contentType, body }: Answered, response: PayloadCodec): LeaseVerb {
  const type = body.length === 0 ? "application/x-protobuf" : contentType;
  const result = payloadOfBytes(response, body, type);
  if (result.ok) return { verb: "complete", result: result.value };
  const { code, detail } = result.refusal;
  return { verb: "fail", error: errorOf(code, detail, true) };
}

function errorOf(code: string, message: string, retryable: boolean): ApplicationErrorView {
  return {
    code: code.slice(0, maxCodeLength),
    message: message.slice(0, maxMessageLength),
    retryable,
    details: "",
  };
}

/** `{code, message, details}`, the same inside `error`, or problem+json; else the text. */
function errorOfBody(
  { status, contentType, body }: Answered,
  retryable: boolean,
): ApplicationErrorView {
  const text = new TextDecoder().decode(body.subarray(0, 256 * 1024));
  const fallback = `The application answered with status ${String(status)}.`;
  const type = mediaTypeOf(contentType);
  const json = type === jsonMediaType || type.endsWith("+json") ? parsed(text) : undefined;
  if (typeof json !== "object" || json === null) {
    const message = type.startsWith("text/plain") && text !== "" ? text : fallback;
    return errorOf(`HTTP_${String(status)}`, message, retryable);
  }
  const inner = field(json, "error");
  const source = typeof inner === "object" && inner !== null ? inner : json;
  const code = textField(source, "code") ?? `HTTP_${String(status)}`;
  const message = textField(source, "message") ?? textField(source, "detail") ?? fallback;
  const details = field(source, "details");
  const detailsText = details === undefined ? "" : JSON.stringify(details);
  if (detailsText.length <= maxDetailsLength) {
    return { ...errorOf(code, message, retryable), details: detailsText };
  }
  const sizes = `${String(detailsText.length)} characters, at most ${String(maxDetailsLength)}`;
  const note = ` (Details were left out: ${sizes}.)`;
  return errorOf(code, message.slice(0, maxMessageLength - note.length) + note, retryable);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function textField(value: object, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Whole seconds or an HTTP date. Source: RFC 9110 §10.2.3. */
function delayOf(retryAfter: string | undefined, nowEpochMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  // Date.parse takes far more than HTTP does: `-5` would be a year.
  const date = /^[A-Z][a-z]{2}, .+ GMT$/.test(retryAfter) ? Date.parse(retryAfter) : Number.NaN;
  const delayMs = /^[0-9]{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : date - nowEpochMs;
  return Number.isFinite(delayMs) ? Math.min(Math.max(delayMs, 0), maxDelayMs) : undefined;
}
