/** Everything that can be refused here to the operator's other rooms; sidecars get a Refusal. */
export type ControlErrorCode =
  /** What the Secret holds is no authority of this version. */
  | "AUTHORITY_MALFORMED"
  /** Another operator wrote the Secret at the same time, again and again. */
  | "AUTHORITY_CONFLICT"
  /** The listener can't be opened. */
  | "LISTEN_FAILED"
  /** An option is outside its bounds. */
  | "OPTION_INVALID"
  /** It was closed. */
  | "CLOSED";

/** The error of the control room; match on `code`. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
