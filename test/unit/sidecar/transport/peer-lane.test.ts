import { describe, expect, test } from "vitest";
import { PeerLane } from "../../../../sidecar/transport/peer-lane.ts";
import { MemoryBudget } from "../../../../sidecar/wire/memory-budget.ts";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";
import type { WireBreach } from "../../../../sidecar/wire/wire-breach.ts";
import { wireLimits } from "../../../../sidecar/wire/wire-limits.ts";

/** A lane whose carrier only writes down, and whose turns end when the test says so. */
function lane(change: Partial<typeof wireLimits> = {}) {
  const written: Uint8Array[] = [];
  const turns: (() => void)[] = [];
  const breaches: WireBreach[] = [];
  const byteLane = {
    headerRoomBytes: 16,
    bufferedBytes: 0,
    write: (bytes: Uint8Array) => {
      written.push(bytes);
    },
    onBytes: () => {},
    onEnd: () => {},
  };
  const subject = new PeerLane({
    byteLane,
    dialled: true,
    owner: {
      onHeard: () => {},
      onBreach: (breach) => breaches.push(breach),
      onFailure: () => {},
      onLaneEnd: () => {},
    },
    limits: { ...wireLimits, ...change },
    slabs: new SlabPool(),
    account: new MemoryBudget(1_000).open(() => {}),
    queue: { bytes: 0 },
    turns: { afterTurn: () => undefined, atEnd: (callback) => turns.push(callback) },
  });
  return { subject, written, turns, breaches, byteLane };
}

describe("PeerLane", () => {
  test("everything of a turn goes out in one write, and a turn is asked for once", () => {
    const { subject, written, turns } = lane();
    const channel = subject.openChannel();
    for (let i = 0; i < 64; i++) subject.send(channel, new Uint8Array(128));
    expect(written).toEqual([]);
    expect(turns).toHaveLength(1);
    turns[0]?.();
    expect(written).toHaveLength(1);
    expect(written[0]?.byteOffset).toBeGreaterThanOrEqual(16);
    subject.send(channel, new Uint8Array(1));
    expect(turns).toHaveLength(2);
  });

  test("a network that takes nothing ends the session at the bound", () => {
    const { subject, turns, breaches, byteLane } = lane({ sessionQueueBytes: 100_000 });
    byteLane.bufferedBytes = 99_999;
    subject.send(0, new Uint8Array(1));
    turns[0]?.();
    expect(breaches).toEqual([]);
    expect(subject.queuedBytes).toBe(99_999);
    byteLane.bufferedBytes = 100_001;
    subject.send(0, new Uint8Array(1));
    turns[1]?.();
    expect(breaches).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
  });

  test("after the end nothing is written", () => {
    const { subject, written, turns } = lane();
    subject.send(0, new Uint8Array(1));
    subject.stop();
    turns[0]?.();
    expect(written).toEqual([]);
    expect(subject.send(0, new Uint8Array(1))).toBe(false);
    expect(() => subject.openChannel()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });
});
