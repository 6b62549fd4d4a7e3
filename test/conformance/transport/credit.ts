import { describe, expect, test } from "vitest";
import { wireLimits } from "../../../sidecar/wire/wire-limits.ts";
import { patterned, record } from "./cluster.ts";
import type { HarnessFactory } from "./suite.ts";
import { withCluster } from "./with-cluster.ts";

const { windowBytes, frameCostBytes } = wireLimits;

export function describeCredit(create: HarnessFactory): void {
  describe("credit", () => {
    const cluster = withCluster(create);

    test("a reader that stands still costs its sender, never memory", async () => {
      const c = await cluster();
      const { near, far, accepted } = await c.pair();
      let received = 0;
      far.onMessage((_channel, message) => {
        received += message.length;
      });
      const channel = near.openChannel();
      near.send(channel, new Uint8Array(1));
      await c.harness.until(() => received === 1, 2_000, "the channel is there");
      far.hold(channel);
      const before = accepted.stats.receivedBytes;
      const count = 5_000;
      for (let i = 0; i < count; i++) near.send(channel, patterned(1_000, i));
      await c.harness.elapse(300);
      // All the other side took is one window; the rest waits where it comes from.
      expect(accepted.stats.receivedBytes - before).toBeLessThanOrEqual(windowBytes);
      expect(near.queuedBytes).toBeGreaterThan(count * 1_000 - windowBytes);
      expect(received).toBe(1);
      far.resume(channel);
      await c.harness.until(() => received === 1 + count * 1_000, 10_000, "all arrives");
      expect(near.queuedBytes).toBe(0);
    });

    test("a held channel holds up no other", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const atFar = record(far);
      const held = near.openChannel();
      const free = near.openChannel();
      near.send(held, new Uint8Array(1));
      await c.harness.until(() => atFar.length === 2, 2_000, "the channel is there");
      far.hold(held);
      for (let i = 0; i < 1_000; i++) near.send(held, new Uint8Array(1_000));
      for (let i = 0; i < 1_000; i++) near.send(free, new Uint8Array(1_000));
      await c.harness.until(() => atFar.length === 1_002, 5_000, "the free one goes on");
      expect(atFar.slice(2).every(({ channel }) => channel === free)).toBe(true);
    });

    test("empty messages cost credit too", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const atFar = record(far);
      await c.harness.until(() => atFar.length === 1, 2_000, "the lane is there");
      far.hold(0);
      const count = 2 * Math.ceil(windowBytes / frameCostBytes);
      for (let i = 0; i < count; i++) near.send(0, new Uint8Array(0));
      await c.harness.elapse(200);
      expect(near.queuedBytes).toBeGreaterThan(0);
      far.resume(0);
      await c.harness.until(() => atFar.length === count + 1, 5_000, "all arrive");
    });

    test("hold and resume in the listener itself keep the order", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const seen: number[] = [];
      far.onMessage((channel, message) => {
        if (message.length === 0) return;
        seen.push(message[0] ?? -1);
        far.hold(channel);
        c.harness.timers.after(1, () => far.resume(channel));
      });
      for (let i = 0; i < 50; i++) near.send(0, Uint8Array.of(i));
      await c.harness.until(() => seen.length === 50, 5_000, "all arrive");
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });

    test("the end of a held channel waits for its messages", async () => {
      const c = await cluster();
      const { near, far } = await c.pair();
      const events: string[] = [];
      far.onMessage((channel, message) => events.push(`${channel}:${message.length}`));
      far.onChannelClosed((channel) => events.push(`${channel} closed`));
      const channel = near.openChannel();
      near.send(channel, new Uint8Array(1));
      await c.harness.until(() => events.length === 2, 2_000, "the channel is there");
      far.hold(channel);
      near.send(channel, new Uint8Array(2));
      near.closeChannel(channel);
      await c.harness.elapse(50);
      expect(events).toHaveLength(2);
      far.resume(channel);
      expect(events.slice(2)).toEqual([`${channel}:2`, `${channel} closed`]);
    });

    test("a send queue over its bound ends the session with LIMIT_EXCEEDED", async () => {
      const c = await cluster();
      const limits = { channelQueueBytes: 1_000_000, maxMessageBytes: 500_000 };
      const { near, far, a } = await c.pair({ limits });
      record(far);
      far.hold(0);
      let accepted = 0;
      while (accepted < 10_000 && near.send(0, new Uint8Array(1_000))) accepted += 1;
      expect(accepted).toBeLessThan(1_400);
      expect(accepted).toBeGreaterThan(1_000);
      expect(a.ends).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
      expect(near.send(0, new Uint8Array(1))).toBe(false);
    });

    test("one session's send queues have a bound together", async () => {
      const c = await cluster();
      const limits = {
        sessionQueueBytes: 1_000_000,
        channelQueueBytes: 600_000,
        maxMessageBytes: 500_000,
      };
      const { near, far, a } = await c.pair({ limits });
      record(far);
      const channels = [near.openChannel(), near.openChannel(), near.openChannel()];
      for (const channel of channels) near.send(channel, new Uint8Array(1));
      await c.harness.elapse(20);
      for (const channel of channels) far.hold(channel);
      let accepted = 0;
      for (let i = 0; i < 3_000; i++) {
        if (near.send(channels[i % 3] ?? 0, new Uint8Array(1_000))) accepted += 1;
      }
      expect(accepted).toBeLessThan(2_000);
      expect(a.ends).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    });

    test("a receive memory that is used up ends the session that holds most of it", async () => {
      const c = await cluster();
      const b = await c.node("b", { receiveBudgetBytes: 400_000 });
      const a = await c.node("a");
      const d = await c.node("d");
      const greedy = await c.lanes(a, b, await c.dial(a, b));
      const modest = await c.lanes(d, b, await c.dial(d, b));
      for (const { far } of [greedy, modest]) record(far);
      await c.harness.elapse(20);
      greedy.far.hold(0);
      modest.far.hold(0);
      const channel = greedy.near.openChannel();
      greedy.near.send(channel, new Uint8Array(1));
      await c.harness.elapse(20);
      greedy.far.hold(channel);
      for (let i = 0; i < 120; i++) greedy.near.send(0, new Uint8Array(2_000));
      for (let i = 0; i < 40; i++) greedy.near.send(channel, new Uint8Array(2_000));
      await c.harness.elapse(50);
      for (let i = 0; i < 50; i++) modest.near.send(0, new Uint8Array(2_000));
      await c.harness.until(() => a.ends.length > 0, 2_000, "the greedy one ends");
      expect(a.ends).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
      await c.harness.elapse(50);
      expect(d.ends).toEqual([]);
    });
  });
}
