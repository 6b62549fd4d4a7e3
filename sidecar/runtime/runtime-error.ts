/** Everything that can be refused here. */
export type RuntimeErrorCode =
  | "DURATION_MALFORMED"
  | "DURATION_OUT_OF_RANGE"
  | "METRIC_INVALID"
  | "METRIC_DECLARED_TWICE"
  | "SHUTDOWN_STEP_TIMEOUT"
  | "CERTIFICATE_NAME_INVALID"
  | "CERTIFICATE_VALIDITY_INVALID"
  | "CERTIFICATE_ROLE_INVALID"
  | "CERTIFICATE_MALFORMED"
  | "CERTIFICATE_REQUEST_INVALID"
  | "CLOSED";

/** The error of the runtime room; match on `code`. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
