import { describe, expect, test } from "vitest";
import { record } from "./cluster.ts";
import type { HarnessFactory } from "./suite.ts";
import { withCluster } from "./with-cluster.ts";

export function describeLife(create: HarnessFactory): void {
  describe("liveness and end", () => {
    const cluster = withCluster(create);

    test("pings measure the round trip", async () => {
      const c = await cluster();
      const { dialled, accepted } = await c.pair();
      await c.harness.until(() => dialled.rttMs !== undefined, 2_000, "the dialler knows");
      await c.harness.until(() => accepted.rttMs !== undefined, 2_000, "the acceptor knows");
      expect(dialled.rttMs).toBeGreaterThan(0);
      expect(dialled.rttMs).toBeLessThan(500);
    });

    test("an idle session stays open", async () => {
      const c = await cluster();
      const { a, b } = await c.pair();
      await c.harness.elapse(4_500);
      expect([...a.ends, ...b.ends]).toEqual([]);
    });

    test("a frozen peer is noticed within 4 s, as a loss", async () => {
      const c = await cluster();
      const { a, b } = await c.pair();
      c.harness.freeze("a", "b");
      const startedMs = c.harness.clock.nowMs();
      await c.harness.until(() => a.ends.length + b.ends.length === 2, 4_500, "both notice");
      expect(c.harness.clock.nowMs() - startedMs).toBeLessThanOrEqual(4_000);
      expect(a.ends).toMatchObject([{ code: "HEARTBEAT_TIMEOUT", clean: false }]);
      expect(b.ends).toMatchObject([{ code: "HEARTBEAT_TIMEOUT", clean: false }]);
      expect(a.transport.sessions()).toEqual([]);
    });

    test("a killed peer is noticed within 100 ms, as a loss", async () => {
      const c = await cluster();
      const { a, b } = await c.pair();
      const startedMs = c.harness.clock.nowMs();
      c.harness.cut("a", "b");
      await c.harness.until(() => a.ends.length + b.ends.length === 2, 1_000, "both notice");
      expect(c.harness.clock.nowMs() - startedMs).toBeLessThanOrEqual(100);
      expect(a.ends).toMatchObject([{ code: "TRANSPORT_LOST", clean: false }]);
      expect(b.ends).toMatchObject([{ code: "TRANSPORT_LOST", clean: false }]);
    });

    test("GOODBYE carries code and reason, after everything that was sent before", async () => {
      const c = await cluster();
      const { a, b, near, far, dialled, accepted } = await c.pair();
      const atFar = record(far);
      near.send(0, new Uint8Array(100));
      dialled.close("DRAINING", "over for today");
      expect(a.ends).toEqual([{ code: "DRAINING", reason: "over for today", clean: true }]);
      await c.harness.until(() => b.ends.length === 1, 2_000, "b hears of it");
      expect(b.ends).toEqual(a.ends);
      expect(atFar.map(({ message }) => message.length)).toEqual([0, 100]);
      const late: unknown[] = [];
      accepted.onClosed((end) => late.push(end));
      expect(late).toEqual(b.ends);
      dialled.close("IDLE", "again");
      expect(a.ends).toHaveLength(1);
      expect(() => dialled.openLane()).toThrow(expect.objectContaining({ code: "CLOSED" }));
      expect(() => near.openChannel()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    });

    test("the acceptor can say GOODBYE too, and both at once", async () => {
      const c = await cluster();
      const { a, b, accepted, dialled } = await c.pair();
      accepted.close("IDLE", "nothing to do");
      dialled.close("SHUTDOWN", "me too");
      await c.harness.elapse(50);
      expect(a.ends).toMatchObject([{ code: "SHUTDOWN", clean: true }]);
      expect(b.ends).toMatchObject([{ code: "IDLE", clean: true }]);
    });

    test("closing a transport says SHUTDOWN to every peer, within 2 s", async () => {
      const c = await cluster();
      const { a, b } = await c.pair();
      const startedMs = c.harness.clock.nowMs();
      await c.settle(a.transport.close("stopping"));
      expect(c.harness.clock.nowMs() - startedMs).toBeLessThanOrEqual(2_100);
      await c.harness.until(() => b.ends.length === 1, 1_000, "b hears of it");
      expect(b.ends).toEqual([{ code: "SHUTDOWN", reason: "stopping", clean: true }]);
    });

    test("closing a transport whose peer is frozen takes at most 2 s", async () => {
      const c = await cluster();
      const { a } = await c.pair();
      c.harness.freeze("a", "b");
      const startedMs = c.harness.clock.nowMs();
      await c.settle(a.transport.close("stopping"));
      expect(c.harness.clock.nowMs() - startedMs).toBeLessThanOrEqual(2_100);
    });

    test("a listener that throws ends its session, and nothing else", async () => {
      const c = await cluster();
      const { a, b, near, far } = await c.pair();
      far.onMessage((_channel, message) => {
        if (message.length > 0) throw new Error("a bug");
      });
      near.send(0, new Uint8Array(1));
      await c.harness.until(() => a.ends.length === 1, 2_000, "the session ends");
      const reason = "this node failed to handle a message; see the log of b";
      expect(b.ends).toEqual([{ code: "INTERNAL", reason, clean: true }]);
      expect(a.ends).toEqual(b.ends);
      expect(await c.dial(a, b)).toBeDefined();
    });

    test.each(["of sessions", "of lanes", "of the end"])(
      "a throw in a listener %s costs at most its session, and is told as INTERNAL",
      async (which) => {
        const c = await cluster();
        const a = await c.node("a");
        const b = await c.node("b");
        let bugs = 1;
        const bug = (): void => {
          bugs -= 1;
          if (bugs >= 0) throw new Error("a bug");
        };
        b.transport.onSession((session) => {
          if (which === "of sessions") bug();
          if (which === "of lanes") session.onLane(bug);
          if (which === "of the end") session.onClosed(bug);
          b.accepted.push(session);
          session.onClosed((end) => b.ends.push(end));
        });
        const dialled = await c.dial(a, b);
        if (which === "of lanes") dialled.openLane().send(0, new Uint8Array(1));
        if (which === "of the end") dialled.close("IDLE", "nothing to do");
        await c.harness.until(() => a.ends.length === 1, 2_000, "the session ends");
        const code = which === "of the end" ? "IDLE" : "INTERNAL";
        expect(a.ends).toMatchObject([{ code, clean: true }]);
        await c.harness.until(() => b.transport.sessions().length === 0, 2_000, "b knows");
        // What listens beside the one that threw is told all the same.
        if (which !== "of sessions") expect(b.ends).toMatchObject([{ code, clean: true }]);
        expect(await c.dial(a, b)).not.toBe(dialled);
      },
    );
  });
}
