/** Everything that can be refused here. */
export type InspectErrorCode =
  /** What stands on the command line is refused. */
  | "ARGUMENT_INVALID"
  /** The sidecar found what was given malformed, and did nothing. */
  | "INPUT_REFUSED"
  /** No sidecar has the demand. */
  | "UNKNOWN_DEMAND"
  /** No sidecar can be asked. */
  | "NOTHING_ANSWERS"
  /** The node whose queue holds the item is not among those that can be asked. */
  | "NODE_UNKNOWN";

/** What to do when a sidecar does not answer and nobody knows better. */
export const askStatus = "Ask spillway status for its state.";

/** A refusal of this room: what is wrong, and what to do. */
export class InspectError extends Error {
  override readonly name = "InspectError";
  readonly code: InspectErrorCode;

  /**
   * @param text what is wrong, a clause without a full stop.
   * @param remedy what to do, a sentence.
   */
  constructor(code: InspectErrorCode, text: string, remedy: string) {
    super(`${text}. ${remedy}`);
    this.code = code;
  }
}
