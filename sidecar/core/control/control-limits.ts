/** Bounds and times of the sidecar's end of the control stream; each is in docs/limits.md. */
export const controlLimits = {
  /** Descriptor sets held at once; beyond it the stream is begun anew with nothing held. */
  descriptorSets: 512,
  /** Peers held at once; those beyond it are left out. */
  peers: 2_048,
  /** Leaders followed in a row before the first address is asked again. */
  leaderHops: 3,
  /** An opening without Welcome has failed. */
  welcomeTimeoutMs: 10_000,
  /** Lost streams are opened again at random within this: a new operator is not met by all. */
  reconnectJitterMs: 5_000,
  /** After an operator that ended in order the next one is looked for at most this far apart … */
  handOverStepMs: 500,
  /** … for as long as the waits together take this: then as after any loss. */
  handOverMs: 10_000,
  /** Failed openings wait at random within a bound that doubles from here … */
  backoffInitialMs: 500,
  /** … to here. */
  backoffMaxMs: 30_000,
  /** A stream that held for this long was good: its loss begins at the first backoff again. */
  steadyAfterMs: 10_000,
  /** A certificate that was asked for and has not come is asked for again. */
  certificateAnswerMs: 30_000,
  /** The least wait after a refused certificate request; the operator may ask for more. */
  certificateRetryMs: 5_000,
  /** A fresh token is looked for when this part of the old one's time is left. */
  tokenPartLeft: 0.2,
  /** The token file is read again this often at most while it holds nothing new. */
  tokenRetryMs: 5_000,
  /** The node is looked at this often at most. */
  sampleMs: 250,
} as const;
