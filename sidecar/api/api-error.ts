import type { Refusal } from "./problem-code.ts";

/** `REFUSED`: a body, while it was parsed. `LISTEN_FAILED`: a listener cannot be opened. */
export type ApiErrorCode = "REFUSED" | "LISTEN_FAILED";

/** The error of the api room; match on `code`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  /** What the client is answered, when `REFUSED`. */
  readonly refusal: Refusal | undefined;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions & { refusal?: Refusal }) {
    super(message, options);
    this.code = code;
    this.refusal = options?.refusal;
  }
}
