/**
 * `CONFIG_INVALID`: a configuration is refused. `CONTRACT_UNRESOLVED`: its messages are not in its
 * descriptors. `RESTART_NEEDED`: the change can't be taken while running. `IDENTITY_INVALID`: a
 * certificate or key can't be used. `START_FAILED`: a listener or folder can't be used.
 */
export type NodeErrorCode =
  | "CONFIG_INVALID"
  | "CONTRACT_UNRESOLVED"
  | "RESTART_NEEDED"
  | "IDENTITY_INVALID"
  | "START_FAILED";

/** The error of the node room; match on `code`. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
