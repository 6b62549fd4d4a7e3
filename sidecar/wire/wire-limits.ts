/**
 * Every bound of a lane and the relations between them. `windowBytes` and `frameCostBytes` are part
 * of the framing version: both sides must have the same, so only a new version may change them.
 */

/** Bounds of framing; docs/limits.md lists them. */
export interface WireLimits {
  /** Greatest frame without its length word. Negotiated (`maxFrame`), this is what we offer. */
  readonly maxFrameBytes: number;
  /** Payload of one segment of a larger message, 64 … 256 KiB; smaller ones interleave finer. */
  readonly segmentBytes: number;
  /** Greatest message, either way. */
  readonly maxMessageBytes: number;
  /** Credit of a channel: what a peer may send before anything is consumed. Granted at half. */
  readonly windowBytes: number;
  /** Added to a frame's payload when it is charged, so that empty messages are not free. */
  readonly frameCostBytes: number;
  /** Channels of a lane that each side may have opened at a time. */
  readonly maxChannels: number;
  /** What may wait for credit on one channel, charged as frames are. */
  readonly channelQueueBytes: number;
  /** What may wait for credit or for the network on all lanes of a session. */
  readonly sessionQueueBytes: number;
}

/** The bounds of every node. */
export const wireLimits: WireLimits = checkWireLimits({
  maxFrameBytes: 1024 * 1024,
  segmentBytes: 64 * 1024,
  maxMessageBytes: 16 * 1024 * 1024,
  windowBytes: 256 * 1024,
  frameCostBytes: 64,
  maxChannels: 1_024,
  channelQueueBytes: 32 * 1024 * 1024,
  sessionQueueBytes: 64 * 1024 * 1024,
});

/** Memory for what peers sent and nobody has taken yet, over all peers of a node. */
export const receiveBudgetBytes = 64 * 1024 * 1024;

/** Frames before the negotiation is done: HELLO and GOODBYE need no more. */
export const openingFrameBytes = 64 * 1024;

/**
 * Asserts the relations between the bounds.
 * @throws {RangeError} naming the relation that does not hold: a programmer's error.
 */
export function checkWireLimits(limits: WireLimits): WireLimits {
  const { maxFrameBytes, segmentBytes, windowBytes, frameCostBytes } = limits;
  const relations: readonly [boolean, string][] = [
    // Type byte, channel (5) and the total of a first segment (5) share the frame with the payload.
    [segmentBytes + 16 <= maxFrameBytes, "a segment fits into a frame"],
    // Else a sender could wait for credit that the receiver grants only after more has arrived.
    [2 * (segmentBytes + frameCostBytes) <= windowBytes, "two segments fit into the window"],
    [segmentBytes <= limits.maxMessageBytes, "a segment fits into a message"],
    [limits.maxMessageBytes < limits.channelQueueBytes, "the greatest message can wait"],
    [limits.channelQueueBytes <= limits.sessionQueueBytes, "a channel's queue fits the session's"],
    [limits.maxMessageBytes < 2 ** 31, "a message's size is a 32-bit number"],
    [Object.values(limits).every((value) => value > 0), "every bound is above 0"],
  ];
  for (const [holds, relation] of relations) {
    if (!holds) throw new RangeError(`wire limits: not true that ${relation}`);
  }
  return limits;
}
