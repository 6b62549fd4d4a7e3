import { createMemoryHarness } from "./memory-harness.ts";
import { describeTransport } from "./suite.ts";

describeTransport("memory", () => createMemoryHarness());
// Chunks that cut every frame, and room before each write, as real carriers have them.
describeTransport("memory in small pieces", () =>
  createMemoryHarness({ chunkBytes: 701, headerRoomBytes: 16 }),
);
