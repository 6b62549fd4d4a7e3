/** What this node was configured with wrongly. What peers send is refused and counted instead. */
export type DiscoveryErrorCode = "INVALID_PERIOD";

/** A value outside its bounds; the message names both. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  readonly code: DiscoveryErrorCode;
  constructor(code: DiscoveryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
