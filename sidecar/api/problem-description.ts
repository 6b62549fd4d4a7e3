/** What each problem means and what to do about it: titles in answers, rows in docs/errors.md. */
import type { ProblemCode } from "./problem-code.ts";

/** A problem in words. */
export interface ProblemDescription {
  /** A short phrase that does not vary. */
  readonly title: string;
  /** When it is answered, one sentence. */
  readonly meaning: string;
  /** What the caller can do, one sentence. */
  readonly remedy: string;
}

/** One entry for each code of the closed list. */
export const problemDescriptions: Readonly<Record<ProblemCode, ProblemDescription>> = {
  INVALID_ARGUMENT: {
    title: "Invalid argument",
    meaning: "A path, query, header or body field is malformed or out of its bounds.",
    remedy: "Correct the field that `fieldPath` names; `bound` says what is allowed.",
  },
  FORBIDDEN: {
    title: "Forbidden",
    meaning: "A web page, or a name that is not this machine's, called the operations listener.",
    remedy: "Call it from this machine by its IP address, without an `Origin` header.",
  },
  UNKNOWN_ROUTE: {
    title: "Unknown route",
    meaning: "No route has this method and path.",
    remedy: "Look at `GET /v1/openapi.json` for those there are.",
  },
  UNKNOWN_DEMAND: {
    title: "Unknown demand",
    meaning: "This node has no demand of that name.",
    remedy: "`GET /v1/demands` lists those it has; check the Demand's selector.",
  },
  UNKNOWN_CAPABILITY: {
    title: "Unknown capability",
    meaning: "This node has no capability of that name.",
    remedy: "`GET /v1/capabilities` lists those it has; check the Capability's selector.",
  },
  UNKNOWN_TICKET: {
    title: "Unknown ticket",
    meaning: "No item ever had this ticket.",
    remedy: "Use a ticket as an add answered it.",
  },
  UNKNOWN_LEASE: {
    title: "Unknown lease",
    meaning: "This sidecar never granted that lease, or granted it before it restarted.",
    remedy: "Stop working on the item: it goes to another provider.",
  },
  UNKNOWN_PRESENCE: {
    title: "Unknown presence",
    meaning: "The pull names a presence whose stream is not open.",
    remedy: "Open `GET /v1/capabilities/{capability}/presence` again and use its id.",
  },
  REQUEST_TIMEOUT: {
    title: "Request timeout",
    meaning: "The request was not complete within 30 s (its head within 10 s).",
    remedy: "Send the whole request at once.",
  },
  ALREADY_ENDED: {
    title: "Already ended",
    meaning: "The item has an outcome other than the one asked for.",
    remedy: "Read the outcome with `GET /v1/items/{ticket}`.",
  },
  IDEMPOTENCY_CONFLICT: {
    title: "Idempotency conflict",
    meaning: "The idempotency key was used with another payload.",
    remedy: "Use a new key for a new item, or the same payload for the same item.",
  },
  STALE_LEASE: {
    title: "Stale lease",
    meaning: "The lease is no longer held: it expired, was settled, or the item was cancelled.",
    remedy: "Drop the work on this item; nothing was changed.",
  },
  QUEUE_LOST: {
    title: "Queue lost",
    meaning: "The ticket is from before a restart of its sidecar, which keeps no queue on disk.",
    remedy: "Add the item again if it is still wanted.",
  },
  OUTCOME_DROPPED: {
    title: "Outcome dropped",
    meaning: "The item ended, and its outcome is beyond what the retention of its demand keeps.",
    remedy: "Read outcomes sooner, or raise the retention of the Demand.",
  },
  PAYLOAD_TOO_LARGE: {
    title: "Payload too large",
    meaning: "The body or the payload in it is larger than the bound.",
    remedy: "Send less, for example a reference to where the data lies.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    title: "Unsupported media type",
    meaning: "The body's `Content-Type` is missing or not one that the route takes.",
    remedy: "Send `application/json` or, for payloads, `application/x-protobuf`.",
  },
  TICKET_ELSEWHERE: {
    title: "Ticket elsewhere",
    meaning: "The item is in another node's queue; the detail names the node.",
    remedy: "Ask the sidecar of the pod that added the item.",
  },
  INVALID_PAYLOAD: {
    title: "Invalid payload",
    meaning: "The payload is no message of the contract's type, or breaks one of its rules.",
    remedy: "Correct the field that `fieldPath` names.",
  },
  QUEUE_FULL: {
    title: "Queue full",
    meaning: "As many items or bytes wait as the demand's queue may hold.",
    remedy: "Try again after `Retry-After`, or raise the bounds of the Demand's queue.",
  },
  TOO_MANY_WAITERS: {
    title: "Too many waiters",
    meaning: "Too many calls, event streams or request bodies are open at once.",
    remedy: "Try again after `Retry-After` with fewer open calls.",
  },
  HEADERS_TOO_LARGE: {
    title: "Headers too large",
    meaning: "The request's line and headers are over 16 KiB.",
    remedy: "Send fewer or shorter headers.",
  },
  INTERNAL: {
    title: "Internal error",
    meaning: "A bug of the sidecar; its log has the details.",
    remedy: "Report it with the log line.",
  },
  NOT_CONFIGURED: {
    title: "Not configured",
    meaning: "The sidecar has not received its configuration yet.",
    remedy: "Try again after `Retry-After`.",
  },
  DRAINING: {
    title: "Draining",
    meaning: "The sidecar is ending and takes no new work.",
    remedy: "Use another pod's sidecar, or wait for the restart.",
  },
};
