import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChannelMux } from "../../../../sidecar/wire/channel-mux.ts";
import { FrameDecoder } from "../../../../sidecar/wire/frame-decoder.ts";
import { FrameWriter } from "../../../../sidecar/wire/frame-writer.ts";
import { MemoryBudget } from "../../../../sidecar/wire/memory-budget.ts";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";
import type { WireBreach } from "../../../../sidecar/wire/wire-breach.ts";
import { checkWireLimits } from "../../../../sidecar/wire/wire-limits.ts";

/** Small, so that random runs meet every bound. */
const limits = checkWireLimits({
  maxFrameBytes: 400,
  segmentBytes: 100,
  maxMessageBytes: 5_000,
  windowBytes: 300,
  frameCostBytes: 10,
  maxChannels: 4,
  channelQueueBytes: 20_000,
  sessionQueueBytes: 60_000,
});

class Side {
  readonly budget = new MemoryBudget(100_000);
  readonly received = new Map<number, number[][]>();
  readonly closed: number[] = [];
  readonly breaches: WireBreach[] = [];
  readonly order: string[] = [];
  onEach: () => void = () => {};
  readonly mux: ChannelMux;
  readonly decoder: FrameDecoder;
  readonly #writer: FrameWriter;
  #out: Uint8Array[] = [];

  constructor(dialled: boolean) {
    const account = this.budget.open(() => {});
    this.#writer = new FrameWriter({
      slabs: new SlabPool(1_000),
      headerRoomBytes: 0,
      out: (batch) => this.#out.push(batch),
    });
    this.mux = new ChannelMux({
      dialled,
      limits,
      account,
      writer: this.#writer,
      queue: { bytes: 0 },
      listener: {
        onMessage: (channel, message) => {
          const list = this.received.get(channel) ?? [];
          list.push([...message]);
          this.received.set(channel, list);
          this.order.push(`${channel}:${message.length}`);
          this.onEach();
        },
        onChannelClosed: (channel) => {
          this.closed.push(channel);
          this.order.push(`${channel} closed`);
        },
        onPending: () => {},
        onBreach: (breach) => this.breaches.push(breach),
      },
    });
    this.decoder = new FrameDecoder({ sink: this.mux, account, maxFrameBytes: 400 });
  }

  /** @returns what goes over the network now. */
  take(): Uint8Array[] {
    this.mux.pump();
    this.#writer.flush();
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

/** Carries everything over until nothing is left; what was delivered is then spoiled. */
function settle(a: Side, b: Side): void {
  for (let moved = true; moved; ) {
    moved = false;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const batch of from.take()) {
        moved = true;
        const copy = batch.slice();
        expect(to.decoder.push(copy)).toBeUndefined();
        copy.fill(0xdd);
      }
    }
  }
}

function pair(): [Side, Side] {
  const a = new Side(true);
  const b = new Side(false);
  a.mux.start();
  b.mux.start();
  return [a, b];
}

function filled(sizeBytes: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (seed + i) & 0xff);
}

describe("ChannelMux", () => {
  test("whatever is sent, held, closed and when it travels: order, wholeness, bounds", () => {
    const step = fc.record({
      what: fc.constantFrom("send", "send", "send", "open", "close", "hold", "resume", "travel"),
      side: fc.nat(1),
      pick: fc.nat(20),
      size: fc.oneof(fc.nat(50), fc.nat(120), fc.nat(1_500)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const sides = pair();
        const sent = [new Map<number, number[][]>(), new Map<number, number[][]>()] as const;
        const open = new Set([0]);
        const ever = new Set([0]);
        steps.forEach(({ what, side, pick, size }, i) => {
          const self = sides[side as 0 | 1];
          const channel = [...open][pick % open.size] ?? 0;
          if (what === "send") {
            const message = filled(size, i);
            const before = self.mux.queuedBytes;
            if (!self.mux.send(channel, message)) throw new Error("over a bound");
            expect(self.mux.queuedBytes).toBeGreaterThanOrEqual(before);
            const list = sent[side as 0 | 1].get(channel) ?? [];
            list.push([...message]);
            sent[side as 0 | 1].set(channel, list);
          }
          if (what === "open") {
            const opened = self.mux.openChannel();
            if (opened !== undefined) ever.add(opened);
            if (opened !== undefined) open.add(opened);
            // The other side can use it only once it knows of it.
            settle(...sides);
          }
          if (what === "close" && channel !== 0) {
            self.mux.closeChannel(channel);
            open.delete(channel);
          }
          if (what === "hold") self.mux.hold(channel);
          if (what === "resume") self.mux.resume(channel);
          if (what === "travel") settle(...sides);
        });
        for (const side of sides) for (const channel of ever) side.mux.resume(channel);
        settle(...sides);
        sides.forEach((side, i) => {
          expect(side.breaches).toEqual([]);
          const other = sent[i === 0 ? 1 : 0];
          for (const [channel, messages] of other) {
            const got = side.received.get(channel) ?? [];
            // A channel that somebody closed may have lost its last messages, never others.
            expect(got).toEqual(messages.slice(0, open.has(channel) ? undefined : got.length));
          }
        });
        for (const side of sides) {
          for (const channel of open) {
            const stillThere = side.mux.send(channel, new Uint8Array(0));
            expect(stillThere).toBe(true);
          }
          expect(side.budget.usedBytes).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("what is held never takes more than one window of memory a channel", () => {
    const [a, b] = pair();
    b.mux.hold(0);
    for (let i = 0; i < 100; i++) a.mux.send(0, filled(20, i));
    settle(a, b);
    expect(b.budget.usedBytes).toBeLessThanOrEqual(limits.windowBytes);
    expect(b.budget.usedBytes).toBeGreaterThan(limits.windowBytes - 30);
    b.mux.resume(0);
    settle(a, b);
    expect(b.received.get(0)).toHaveLength(100);
    expect(b.budget.usedBytes).toBe(0);
  });

  test("credit comes back at half a window, not with every message", () => {
    const [a, b] = pair();
    a.mux.send(0, filled(100, 1));
    settle(a, b);
    expect(b.take()).toEqual([]);
    a.mux.send(0, filled(100, 2));
    for (const batch of a.take()) b.decoder.push(batch);
    expect(b.take()).toHaveLength(1);
  });

  test("segments of two channels take turns", () => {
    const [a, b] = pair();
    const first = a.mux.openChannel() ?? 0;
    const second = a.mux.openChannel() ?? 0;
    a.mux.send(first, filled(1_000, 1));
    a.mux.send(second, filled(250, 2));
    settle(a, b);
    expect(b.order).toEqual([`${second}:250`, `${first}:1000`]);
  });

  test("a message that fits its bound waits; the first one over a bound is a breach", () => {
    const [a] = pair();
    for (let i = 0; i < 3; i++) expect(a.mux.send(0, filled(5_000, i))).toBe(true);
    expect(a.mux.queuedBytes).toBe(3 * 5_010);
    expect(a.mux.send(0, filled(4_990, 4))).toBe(false);
    expect(a.breaches).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    expect(a.mux.queuedBytes).toBe(0);
    expect(a.mux.send(0, filled(1, 5))).toBe(false);
    expect(a.mux.openChannel()).toBeUndefined();
  });

  test("channels have a bound at each side, and closing one makes room", () => {
    const [a, b] = pair();
    const opened = [1, 2, 3, 4, 5].map(() => a.mux.openChannel());
    expect(opened).toEqual([1, 3, 5, 7, undefined]);
    settle(a, b);
    expect(b.mux.channelCount).toBe(4);
    b.mux.closeChannel(3);
    settle(a, b);
    expect(a.closed).toEqual([3]);
    expect(a.mux.openChannel()).toBe(9);
    settle(a, b);
    expect(b.breaches).toEqual([]);
  });

  test("a listener that closes the channel it is told of hears no more of it", () => {
    const a = new Side(true);
    const b = new Side(false);
    const channel = a.mux.openChannel() ?? 0;
    for (let i = 0; i < 5; i++) a.mux.send(channel, filled(10, i));
    settle(a, b);
    b.onEach = () => b.mux.closeChannel(channel);
    b.mux.start();
    expect(b.order).toEqual([`${channel}:10`]);
    expect(b.budget.usedBytes).toBe(0);
  });

  test("any frames: a breach with a code or none, never a throw, never over the budget", () => {
    const frame = fc.tuple(
      fc.oneof(fc.integer({ min: 15, max: 22 }), fc.nat(255)),
      fc.oneof(fc.nat(6), fc.nat(0xffff_ffff)),
      fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 300 })),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 60 }), fc.boolean(), (frames, started) => {
        const side = new Side(false);
        side.mux.openChannel();
        side.mux.send(0, filled(2_000, 1));
        if (started) side.mux.start();
        for (const [type, channel, body] of frames) {
          if (!side.mux.onFrame(type, channel, body)) break;
        }
        expect(side.breaches.length).toBeLessThanOrEqual(1);
        for (const { code } of side.breaches) {
          expect(["MALFORMED", "LIMIT_EXCEEDED"]).toContain(code);
        }
        expect(side.budget.usedBytes).toBeLessThanOrEqual(100_000);
      }),
      { numRuns: 500 },
    );
  });
});
