/**
 * What can fail in this room.
 * - `TOKEN_UNREADABLE`: the token file is missing, empty or too long.
 * - `BUNDLE_UNREADABLE`: the trust bundle is missing or holds no certificate.
 * - `STATE_UNWRITABLE`: the state folder cannot be written.
 */
export type ControlErrorCode = "TOKEN_UNREADABLE" | "BUNDLE_UNREADABLE" | "STATE_UNWRITABLE";

/** The one error class of `sidecar/control`. Match on `code`. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
