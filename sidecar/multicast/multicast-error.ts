/** Why multicast cannot be set up as configured. */
export type MulticastErrorCode =
  | "INVALID_GROUP"
  | "INVALID_PORT"
  | "INVALID_PERIOD"
  | "INVALID_PATTERN"
  | "BIND_FAILED";

/** Multicast cannot start; the message names the setting and its value. */
export class MulticastError extends Error {
  override readonly name = "MulticastError";
  readonly code: MulticastErrorCode;
  constructor(code: MulticastErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
