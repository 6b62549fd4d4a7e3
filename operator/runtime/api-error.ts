/**
 * The one error of this room. What the API server answers, what the connection does and what a
 * caller got wrong are translated here once; match on `code`.
 */

/** Everything that can go wrong. */
export type ApiErrorCode =
  /** 400: the request is not understood. */
  | "BAD_REQUEST"
  /** 401: no or a stale identity. */
  | "UNAUTHORIZED"
  /** 403: a permission is missing, or a policy refuses. */
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  /** 409: the object has changed, or another manager owns a field. */
  | "CONFLICT"
  /** 410: the resource version or the continue token is too old; list again. */
  | "GONE"
  /** 422: the object breaks its schema. */
  | "INVALID"
  /** 429: told to come later; see `retryAfterMs`. */
  | "TOO_MANY_REQUESTS"
  /** Other 4xx. */
  | "REFUSED"
  /** 5xx. */
  | "SERVER_ERROR"
  /** No answer within the request's time. */
  | "TIMEOUT"
  /** No connection, or it broke. */
  | "UNREACHABLE"
  /** The caller's signal ended the request, or the client is closed. */
  | "ABORTED"
  /** An answer that is not what the API promises. */
  | "MALFORMED_ANSWER"
  /** An answer or a line of a watch beyond its bound. */
  | "ANSWER_TOO_LARGE"
  /** The write guard said no: this process does not lead (any more). */
  | "WRITE_REFUSED"
  /** kubeconfig or service account files are missing or wrong. */
  | "CREDENTIALS_INVALID"
  /** A caller's option is outside its bounds. */
  | "OPTION_INVALID";

/** Facts about a failed request. */
export interface ApiErrorFacts extends ErrorOptions {
  /** HTTP status; absent where there was no answer. */
  readonly status?: number | undefined;
  /** `reason` of the API's Status, for example `AlreadyExists`. */
  readonly reason?: string | undefined;
  /** What the server asked to wait, ms. */
  readonly retryAfterMs?: number | undefined;
  /** Whether the request certainly did not reach the server. */
  readonly unsent?: boolean | undefined;
}

/** The error of the runtime; match on `code`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** `reason` of the API's Status. */
  readonly reason: string | undefined;
  /** What the server asked to wait, ms. */
  readonly retryAfterMs: number | undefined;
  /** Whether the request certainly did not reach the server, so that any verb may be repeated. */
  readonly unsent: boolean;

  constructor(code: ApiErrorCode, message: string, facts: ApiErrorFacts = {}) {
    super(message, facts);
    this.code = code;
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
    this.unsent = facts.unsent ?? false;
  }
}

const codesByStatus = new Map<number, ApiErrorCode>([
  [400, "BAD_REQUEST"],
  [401, "UNAUTHORIZED"],
  [403, "FORBIDDEN"],
  [404, "NOT_FOUND"],
  [409, "CONFLICT"],
  [410, "GONE"],
  [422, "INVALID"],
  [429, "TOO_MANY_REQUESTS"],
]);

/** @returns the code of an HTTP status ≥ 400 with the reason of its Status. */
export function codeOfStatus(status: number, reason?: string): ApiErrorCode {
  // Two different situations share 409; only the reason parts them.
  if (reason === "AlreadyExists") return "ALREADY_EXISTS";
  // A watch that ends with "Expired" in its body says 410 there; keep both ways the same.
  if (reason === "Expired" || reason === "Gone") return "GONE";
  return codesByStatus.get(status) ?? (status >= 500 ? "SERVER_ERROR" : "REFUSED");
}

/**
 * @param value seconds, as the API server sends it; dates are not used there.
 * @returns ms; undefined where the header is absent or not a number of 0 … 3600 s.
 */
export function retryAfterMsOf(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,4}$/.test(value.trim())) return undefined;
  return Math.min(Number(value), 3_600) * 1_000;
}

const causes = new Map<string, { readonly code: ApiErrorCode; readonly unsent: boolean }>([
  ["ECONNREFUSED", { code: "UNREACHABLE", unsent: true }],
  ["ENOTFOUND", { code: "UNREACHABLE", unsent: true }],
  ["EAI_AGAIN", { code: "UNREACHABLE", unsent: true }],
  ["EHOSTUNREACH", { code: "UNREACHABLE", unsent: true }],
  ["ENETUNREACH", { code: "UNREACHABLE", unsent: true }],
  ["UND_ERR_CONNECT_TIMEOUT", { code: "UNREACHABLE", unsent: true }],
  ["UND_ERR_HEADERS_TIMEOUT", { code: "TIMEOUT", unsent: false }],
  ["UND_ERR_BODY_TIMEOUT", { code: "TIMEOUT", unsent: false }],
  ["UND_ERR_DESTROYED", { code: "ABORTED", unsent: true }],
  ["UND_ERR_CLOSED", { code: "ABORTED", unsent: true }],
  ["UND_ERR_ABORTED", { code: "ABORTED", unsent: false }],
  ["ABORT_ERR", { code: "ABORTED", unsent: false }],
]);

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of an error or of its causes, as Node and undici set it. */
function codeIn(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string" && causes.has(at.code)) return at.code;
    // Several addresses were tried: one of them speaks for all.
    if (at instanceof AggregateError) return codeIn(at.errors[0]);
  }
  return undefined;
}

/**
 * Translates what the connection threw.
 * @param what the request, for the sentence: `GET /api/v1/pods`.
 */
export function errorOfConnection(error: unknown, what: string): ApiError {
  if (error instanceof ApiError) return error;
  const known = causes.get(codeIn(error) ?? "");
  const facts = { cause: error, unsent: known?.unsent ?? false };
  return new ApiError(known?.code ?? "UNREACHABLE", `${what}: ${textOf(error)}`, facts);
}
