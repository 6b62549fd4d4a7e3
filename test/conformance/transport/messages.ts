import { describe, expect, test } from "vitest";
import { wireLimits } from "../../../sidecar/wire/wire-limits.ts";
import { patterned, record } from "./cluster.ts";
import type { HarnessFactory } from "./suite.ts";
import { withCluster } from "./with-cluster.ts";

export function describeMessages(create: HarnessFactory): void {
  describe("lanes and channels", () => {
    const cluster = withCluster(create);

    test("messages of both directions arrive whole and in order", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const atNear = record(near);
      const atFar = record(far);
      const channel = near.openChannel();
      const count = 2_000;
      for (let i = 0; i < count; i++) {
        near.send(channel, patterned(i % 300, i));
        far.send(0, patterned(i % 200, i + 1));
      }
      await c.harness.until(
        () => atFar.length === count + 1 && atNear.length === count,
        5_000,
        "all messages arrive",
      );
      // The first one opened the lane.
      const expected = Array.from({ length: count }, (_, i) => patterned(i % 300, i));
      expect(atFar.slice(1).map(({ message }) => message)).toEqual(expected);
      expect(atFar[1]?.channel).toBe(channel);
      expect(atNear.map(({ message }) => message)).toEqual(
        Array.from({ length: count }, (_, i) => patterned(i % 200, i + 1)),
      );
    });

    test("messages that came before anybody listened are delivered", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      near.send(0, patterned(10, 1));
      near.send(0, patterned(100_000, 2));
      await c.harness.elapse(50);
      const atFar = record(far);
      await c.harness.until(() => atFar.length === 3, 2_000, "all arrive");
      expect(atFar.slice(1).map(({ message }) => message)).toEqual([
        patterned(10, 1),
        patterned(100_000, 2),
      ]);
    });

    test("large messages are cut up, put together again and interleaved", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const order: string[] = [];
      const sizes: Record<string, number> = {};
      far.onMessage((channel, message) => {
        order.push(`${channel}`);
        sizes[channel] = message.length;
      });
      const first = near.openChannel();
      const second = near.openChannel();
      near.send(first, patterned(3_000_000, 1));
      near.send(second, patterned(70_000, 2));
      await c.harness.until(() => order.length === 3, 10_000, "both arrive");
      // The later, smaller one did not wait for the larger one.
      expect(order).toEqual(["0", `${second}`, `${first}`]);
      expect(sizes).toEqual({ 0: 0, [first]: 3_000_000, [second]: 70_000 });
    });

    test("the greatest message arrives as it was", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const atFar = record(far);
      const message = patterned(wireLimits.maxMessageBytes, 5);
      expect(near.send(0, message)).toBe(true);
      await c.harness.until(() => atFar.length === 2, 15_000, "it arrives");
      expect(Buffer.compare(atFar[1]?.message ?? Buffer.alloc(0), message)).toBe(0);
    });

    test("a message above 16 MiB is refused and ends the session", async () => {
      const c = await cluster();
      const { a, b, near } = await c.pair();
      expect(near.send(0, new Uint8Array(wireLimits.maxMessageBytes + 1))).toBe(false);
      await c.harness.until(() => b.ends.length === 1, 2_000, "b hears of it");
      expect(a.ends).toMatchObject([{ code: "LIMIT_EXCEEDED", clean: true }]);
      expect(b.ends).toMatchObject([{ code: "LIMIT_EXCEEDED", clean: true }]);
      expect(near.send(0, new Uint8Array(1))).toBe(false);
    });

    test("channel numbers differ between the sides and are never used again", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const numbers = [near.openChannel(), near.openChannel(), far.openChannel()];
      expect(numbers).toEqual([1, 3, 2]);
      near.closeChannel(3);
      expect(near.openChannel()).toBe(5);
    });

    test("the end of a channel comes after its messages, and only once", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const events: string[] = [];
      far.onMessage((channel, message) => events.push(`${channel}:${message.length}`));
      far.onChannelClosed((channel) => events.push(`${channel} closed`));
      const channel = near.openChannel();
      near.send(channel, new Uint8Array(400_000));
      near.send(channel, new Uint8Array(1));
      near.closeChannel(channel);
      near.closeChannel(channel);
      await c.harness.until(() => events.length === 4, 5_000, "the end arrives");
      expect(events).toEqual(["0:0", `${channel}:400000`, `${channel}:1`, `${channel} closed`]);
      expect(near.queuedBytes).toBe(0);
    });

    test("what crosses the end of a channel is dropped, and nothing else", async () => {
      const c = await cluster();
      const { near, far, a, b } = await c.pair();
      const atNear = record(near);
      record(far);
      const channel = near.openChannel();
      near.send(channel, new Uint8Array(1));
      await c.harness.elapse(20);
      near.closeChannel(channel);
      far.closeChannel(channel);
      expect(far.send(channel, new Uint8Array(5))).toBe(true);
      far.send(0, new Uint8Array(2));
      await c.harness.until(() => atNear.length === 1, 2_000, "the other channel goes on");
      expect(atNear[0]?.channel).toBe(0);
      expect([...a.ends, ...b.ends]).toEqual([]);
    });

    test("more than 1,024 channels of a side: TOO_MANY_CHANNELS", async () => {
      const c = await cluster();
      const { near, dialled } = await c.pair();
      for (let i = 0; i < 1_024; i++) near.openChannel();
      expect(() => near.openChannel()).toThrow(
        expect.objectContaining({ code: "TOO_MANY_CHANNELS" }),
      );
      expect(dialled.stats.channelCount).toBe(1_024);
      near.closeChannel(1);
      expect(near.openChannel()).toBe(2_049);
    });

    test("only the dialler opens lanes, and at most 8", async () => {
      const c = await cluster();
      const { dialled, accepted } = await c.pair();
      expect(() => accepted.openLane()).toThrow(
        expect.objectContaining({ code: "ACCEPTOR_OPENS_LANE" }),
      );
      for (let i = 0; i < 7; i++) dialled.openLane();
      expect(() => dialled.openLane()).toThrow(expect.objectContaining({ code: "TOO_MANY_LANES" }));
    });

    test("the session counts what it carries", async () => {
      const c = await cluster();
      const { near, far, dialled, accepted } = await c.pair();
      const atFar = record(far);
      const before = { ...accepted.stats };
      near.send(0, new Uint8Array(10_000));
      await c.harness.until(() => atFar.length === 2, 2_000, "it arrives");
      expect(accepted.stats.receivedBytes - before.receivedBytes).toBeGreaterThanOrEqual(10_000);
      expect(dialled.stats.sentBytes).toBeGreaterThanOrEqual(10_000);
      expect(accepted.stats.laneCount).toBe(1);
    });
  });
}
