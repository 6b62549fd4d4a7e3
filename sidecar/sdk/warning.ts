/** What a program should know though no call of its own failed. */

/** Kinds of warning. A closed list. */
export type WarningCode =
  /** The development mode is on: nobody's identity is checked. */
  | "NO_CA_MODE"
  /** The sidecar does not answer; the SDK goes on trying. */
  | "SIDECAR_UNREACHABLE"
  /** The sidecar refuses this Demand or Capability; the SDK goes on asking. */
  | "REFUSED"
  /** A Demand's handler threw or rejected; the outcome counts as handled. */
  | "HANDLER_FAILED"
  /** A capability function threw something other than a RejectError or RetryableError. */
  | "ATTEMPT_FAILED"
  /** A finished attempt could not be told: its lease was lost. */
  | "RESULT_LOST"
  /** The embedded node says something. */
  | "NODE";

/** One warning. Never carries a payload. */
export interface SdkWarning {
  readonly code: WarningCode;
  readonly message: string;
  readonly cause?: unknown;
}

/** Takes warnings; must not throw. */
export type WarningListener = (warning: SdkWarning) => void;

/** Without a listener of its own a program sees warnings where Node prints its own. */
export const emitNodeWarning: WarningListener = (warning) => {
  const cause = warning.cause instanceof Error ? warning.cause : undefined;
  process.emitWarning(warning.message, {
    type: "SpillwayWarning",
    code: warning.code,
    ...(cause?.stack === undefined ? {} : { detail: cause.stack }),
  });
};
