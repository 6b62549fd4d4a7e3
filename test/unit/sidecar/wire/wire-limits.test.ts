import { expect, test } from "vitest";
import { checkWireLimits, wireLimits } from "../../../../sidecar/wire/wire-limits.ts";

test.each([
  ["a segment that no frame holds", { maxFrameBytes: 65_536 }],
  ["a window that two segments do not fit into", { segmentBytes: 131_072 }],
  ["a message smaller than a segment", { maxMessageBytes: 1_000 }],
  ["a message that cannot wait", { channelQueueBytes: 16 * 1024 * 1024 }],
  ["a session's queue smaller than a channel's", { sessionQueueBytes: 1_000_000 }],
  ["a bound of 0", { maxChannels: 0 }],
])("%s is refused", (_what, change) => {
  expect(() => checkWireLimits({ ...wireLimits, ...change })).toThrow(RangeError);
});
