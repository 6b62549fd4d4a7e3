/**
 * What a capability function throws to say how an item ended. Any other error is a failed attempt
 * that may be tried again: a bug or a lost database should not lose the item.
 */
import type { ApplicationErrorView } from "../api/ports.ts";

/** What the producer is told beyond the sentence. */
export interface WorkErrorOptions extends ErrorOptions {
  /** Any JSON value, at most 16 KiB encoded; larger ones are left out. */
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
const bounds = { code: 64, message: 4_096, detailsBytes: 16_384 } as const;

/** A thrown value as the error that travels to the producer. Stack traces stay here. */
export function failureOf(thrown: unknown): ApplicationErrorView {
  const known = thrown instanceof RejectError || thrown instanceof RetryableError;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: (known ? thrown.code : codeOf(thrown)).slice(0, bounds.code),
    message: message.slice(0, bounds.message),
    retryable: !(thrown instanceof RejectError),
    details: known ? encodeDetails(thrown.details) : "",
  };
}

/** The error's own code where it has one (Node's do: `ECONNREFUSED`), else its class name. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return "Error";
  }
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

function encodeDetails(details: unknown): string {
  if (details === undefined) {
    return "";
  }
  try {
    const text: unknown = JSON.stringify(details);
    return typeof text === "string" && Buffer.byteLength(text) <= bounds.detailsBytes ? text : "";
  } catch {
    // Details that are no JSON (a cycle, a bigint) must not hide the error they belong to.
    return "";
  }
}
