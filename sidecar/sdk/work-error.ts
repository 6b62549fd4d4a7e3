/**
 * What a capability function throws to say how an item ended. Any other error is a failed attempt
 * that may be tried again: a bug or a lost database should not lose the item.
 */
import type { ApplicationErrorView } from "../api/ports.ts";

/** What the producer is told beyond the sentence. */
export interface WorkErrorOptions extends ErrorOptions {
  /**
   * Any JSON value, at most 16 KiB encoded and 100 levels deep; others are left out, which the
   * message says.
   */
  readonly details?: unknown;
}

/** The item can never succeed: no further attempt is made, the producer gets the error. */
export class RejectError extends Error {
  override readonly name = "RejectError";
  readonly code: string;
  readonly details: unknown;

  /**
   * @param code the application's own code, at most 64 characters, for example `NOT_AN_IMAGE`.
   * @param message one sentence for the producer, at most 4,096 characters.
   */
  constructor(code: string, message: string, options?: WorkErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = options?.details;
  }
}

/** The attempt failed, a later one may succeed. Thrown for the code, the details or the delay. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  readonly code: string;
  readonly details: unknown;
  /** Wait this long before the next attempt, ms. @default the Demand's backoff */
  readonly delayMs: number | undefined;

  /**
   * @param code the application's own code, at most 64 characters, for example `DATABASE_AWAY`.
   * @param message one sentence for the producer, at most 4,096 characters.
   */
  constructor(
    code: string,
    message: string,
    options?: WorkErrorOptions & { readonly delayMs?: number },
  ) {
    super(message, options);
    this.code = code;
    this.details = options?.details;
    this.delayMs = options?.delayMs;
  }
}

/** Longest code, message and details (JSON text) that are carried. Source: work.proto. */
const bounds = { code: 64, message: 4_096, detailsBytes: 16_384, detailsDepth: 100 } as const;

/**
 * A thrown value as the error that travels to the producer, within its bounds. Stack traces stay
 * here. Never throws, whatever the fields of what was thrown hold.
 */
export function failureOf(thrown: unknown): ApplicationErrorView {
  const known = thrown instanceof RejectError || thrown instanceof RetryableError;
  const details = known ? encodeDetails(thrown.details) : { text: "", note: "" };
  const code = known ? thrown.code : codeOf(thrown);
  const message = thrown instanceof Error ? thrown.message : thrown;
  return {
    code: cut(code, bounds.code),
    message: cut(message, bounds.message - details.note.length) + details.note,
    retryable: !(thrown instanceof RejectError),
    details: details.text,
  };
}

/**
 * The text of a value. None is trusted to be text: programs without types throw what they like.
 * Half a character, as a cut leaves it, is replaced here as protobuf would do it later.
 */
function cut(value: unknown, maxLength: number): string {
  try {
    return String(value).slice(0, maxLength).toWellFormed();
  } catch {
    return "(no text)";
  }
}

/** The error's own code where it has one (Node's do: `ECONNREFUSED`), else its class name. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return "Error";
  }
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

/** Details as JSON text; when they cannot be carried, a note for the message. */
function encodeDetails(details: unknown): { readonly text: string; readonly note: string } {
  const leftOut = (why: string) => ({ text: "", note: ` (Details were left out: ${why}.)` });
  if (details === undefined) {
    return { text: "", note: "" };
  }
  try {
    const text: unknown = JSON.stringify(details);
    if (typeof text !== "string") {
      return leftOut("they are no JSON");
    }
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > bounds.detailsBytes) {
      return leftOut(`${sizeBytes} bytes, at most ${bounds.detailsBytes}`);
    }
    return deeperThan(JSON.parse(text), bounds.detailsDepth)
      ? leftOut(`deeper than ${bounds.detailsDepth} levels`)
      : { text, note: "" };
  } catch {
    // Details that are no JSON (a cycle, a bigint) must not hide the error they belong to.
    return leftOut("they are no JSON");
  }
}

function deeperThan(json: unknown, levels: number): boolean {
  if (typeof json !== "object" || json === null) {
    return false;
  }
  return levels === 0 || Object.values(json).some((inner) => deeperThan(inner, levels - 1));
}
