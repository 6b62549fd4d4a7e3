/** Every bound of the control stream, in one place; docs/limits.md lists them. */
export const controlLimits = {
  /** Streams at once on one operator. */
  maxStreams: 20_000,
  /** One message, either way; the largest there is (2,048 peers) stays below. */
  maxMessageBytes: 1_048_576,
  /** Demands that a pod is told of; as many Capabilities. */
  maxResourcesPerKind: 256,
  /** Peers that a sidecar is told of. */
  maxPeers: 2_048,
  /** Queues of all those peers together. */
  maxPeerDemands: 4_096,
  /** Answers that wait for one sidecar to read. */
  maxAnswers: 64,
  /** Messages of one sidecar: on average, and at once after a pause. */
  messagesPerSecond: 20,
  messageBurst: 100,
  /** The first message is due within this. */
  helloTimeoutMs: 5_000,
  /** Silence of this many report intervals ends a stream. */
  silentIntervals: 3,
  /** A pod that the operator does not know is waited for. */
  assignmentTimeoutMs: 10_000,
  /** Changes of peers are gathered for this long: a rollout is one change, not hundreds. */
  gatherPeersMs: 200,
  /** Certificates of one pod: this many at once, then one in this time. */
  certificateBurst: 3,
  certificateEveryMs: 30_000,
  /** Certificates being issued at once. */
  maxIssuing: 8,
  /** A changed authority asks this many sidecars a second for a request. */
  recertifyPerSecond: 50,
  /** Token reviews: a second, and at once. */
  reviewsPerSecond: 50,
  /**
   * Sidecars that an operator which ends sends to the next one without delay: as many as that one
   * reviews within a second.
   */
  promptHandOvers: 100,
  /** A review waits this long for its turn, then it is refused. */
  maxReviewWaitMs: 5_000,
  /** Tokens whose review is remembered. */
  maxKnownTokens: 32_768,
  /** Refused tokens that are remembered, and for how long. */
  maxRefusedTokens: 4_096,
  refusedTokenMs: 10_000,
  /** A token without an end of its own is reviewed again after this. */
  tokenWithoutEndMs: 600_000,
  maxTokenBytes: 16_384,
} as const;
