/**
 * Every code an application can be answered with, and its HTTP status. Closed: docs/errors.md lists
 * it.
 */
export const problemStatus = {
  INVALID_ARGUMENT: 400,
  FORBIDDEN: 403,
  UNKNOWN_ROUTE: 404,
  UNKNOWN_DEMAND: 404,
  UNKNOWN_CAPABILITY: 404,
  UNKNOWN_TICKET: 404,
  UNKNOWN_LEASE: 404,
  UNKNOWN_PRESENCE: 404,
  REQUEST_TIMEOUT: 408,
  ALREADY_ENDED: 409,
  IDEMPOTENCY_CONFLICT: 409,
  STALE_LEASE: 409,
  QUEUE_LOST: 410,
  OUTCOME_DROPPED: 410,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TICKET_ELSEWHERE: 421,
  INVALID_PAYLOAD: 422,
  QUEUE_FULL: 429,
  TOO_MANY_WAITERS: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  NOT_CONFIGURED: 503,
  DRAINING: 503,
} as const satisfies Record<string, number>;

/** One of the closed list. */
export type ProblemCode = keyof typeof problemStatus;

/** A refusal: what was refused, the value, the bound, and what to do. */
export interface Refusal {
  readonly code: ProblemCode;
  /** One or two sentences for a person, the last of them saying what to do. */
  readonly detail: string;
  /** Path of the field in the body that was refused, for example `items[2].request.width`. */
  readonly fieldPath?: string;
  /** The bound that was exceeded. */
  readonly bound?: number | string;
  /** The value that exceeded it. */
  readonly value?: number | string;
  /** When to try again, ms. */
  readonly retryAfterMs?: number;
}
