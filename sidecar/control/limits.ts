/** Bounds of a control stream; each is in docs/limits.md. */
export const streamLimits = {
  /** Greatest message in either direction, by the contract of `control.proto`. */
  messageBytes: 1024 * 1024,
  /** Messages that wait for an operator that does not read. */
  waitingMessages: 256,
  /** A stream in silence is asked this often whether it lives … */
  pingIntervalMs: 10_000,
  /** … and is over when there is no answer within this. */
  pingTimeoutMs: 5_000,
} as const;

/** The DNS name in the operator's certificate, by the contract of `control.proto`. */
export const controlServerName = "control.spillway.dev";
