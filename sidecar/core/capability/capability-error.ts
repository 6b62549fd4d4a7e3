/** What our own side did wrong. What a peer sends is returned instead, see `AdDecodeError`. */
export type CapabilityErrorCode =
  | "TOO_MANY_ENTRIES"
  | "TOO_MANY_VALUES"
  | "EMPTY_NAME"
  | "NAME_TOO_LONG"
  | "NON_ASCII_NAME"
  | "DUPLICATE_NAME"
  | "VALUE_TOO_LONG"
  | "AD_TOO_LARGE"
  | "NO_SUPPORTED_VALUES"
  | "UNORDERED_VALUES"
  | "VALUE_NOT_DECODABLE"
  | "UNKNOWN_CAPABILITY";

/** A bug in what this node registers or encodes; the message names the value and the bound. */
export class CapabilityError extends Error {
  override readonly name = "CapabilityError";
  readonly code: CapabilityErrorCode;
  constructor(code: CapabilityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
