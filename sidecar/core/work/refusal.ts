/** What either engine refuses with. A closed list, a part of the API's own list of codes. */
export type WorkRefusalCode =
  | "INVALID_ARGUMENT"
  | "UNKNOWN_TICKET"
  | "UNKNOWN_LEASE"
  | "UNKNOWN_PRESENCE"
  | "ALREADY_ENDED"
  | "IDEMPOTENCY_CONFLICT"
  | "STALE_LEASE"
  | "QUEUE_LOST"
  | "OUTCOME_DROPPED"
  | "PAYLOAD_TOO_LARGE"
  | "TICKET_ELSEWHERE"
  | "INVALID_PAYLOAD"
  | "QUEUE_FULL"
  | "TOO_MANY_WAITERS"
  | "DRAINING";

/** An expected refusal; has the shape of the API's refusal, so it is handed on as it is. */
export interface WorkRefusal {
  readonly code: WorkRefusalCode;
  /** One or two sentences: what was refused, the value, the bound, what to do. */
  readonly detail: string;
  /** The bound that was exceeded. */
  readonly bound?: number | string;
  /** The value that exceeded it. */
  readonly value?: number | string;
  /** When to try again, ms. */
  readonly retryAfterMs?: number;
}

/** Expected outcomes are returned, not thrown. */
export type WorkResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: WorkRefusal };

/** A refusal as a result. */
export function refused(refusal: WorkRefusal): {
  readonly ok: false;
  readonly refusal: WorkRefusal;
} {
  return { ok: false, refusal };
}

/** Codes of this room's error class. */
export type WorkErrorCode = "INVALID_OPTION" | "BROKEN_INVARIANT";

/** A bug of the caller (an option out of bounds) or of an engine (a broken invariant). */
export class WorkError extends Error {
  override readonly name = "WorkError";
  readonly code: WorkErrorCode;
  constructor(code: WorkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
