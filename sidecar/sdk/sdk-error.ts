/** Errors that the SDK throws or rejects with. Match on `code`. */

/** Why the SDK refused. A closed list. */
export type SdkErrorCode =
  /** An option is missing or outside its bounds. */
  | "INVALID_OPTION"
  /** `CML.Config` was changed after the first Demand or Capability was made. */
  | "CONFIG_IN_USE"
  /** Neither credentials nor the development mode nor a sidecar was configured. */
  | "NOT_CONFIGURED"
  /** The item was not taken; `refusal` says why. Only a ticket's `id` rejects with it. */
  | "ITEM_REFUSED"
  /** The Demand was closed before it was announced. */
  | "CLOSED"
  /** The embedded node could not start. */
  | "NODE_FAILED";

/** A refusal of an item, as the handler sees it in its system outcome. */
export interface ItemRefusal {
  readonly code: string;
  readonly message: string;
}

/** The error class of this room. */
export class SdkError extends Error {
  override readonly name = "SdkError";
  readonly code: SdkErrorCode;
  /** With `ITEM_REFUSED`: why. */
  readonly refusal: ItemRefusal | undefined;

  constructor(
    code: SdkErrorCode,
    message: string,
    options?: ErrorOptions & { readonly refusal?: ItemRefusal },
  ) {
    super(message, options);
    this.code = code;
    this.refusal = options?.refusal;
  }
}
