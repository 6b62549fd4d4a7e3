import { describe, expect, test } from "vitest";
import type { HarnessFactory } from "./suite.ts";
import { record } from "./cluster.ts";
import { withCluster } from "./with-cluster.ts";

export function describeOneSession(create: HarnessFactory): void {
  describe("one session with each node", () => {
    const cluster = withCluster(create);

    test("when both dial at once, both keep the one dialled by the lower node id", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const fromA = a.transport.dial(await c.target(a, b));
      const fromB = b.transport.dial(await c.target(b, a));
      await c.settle(Promise.all([fromA, fromB]));
      await c.harness.elapse(100);
      const atA = a.transport.sessions();
      const atB = b.transport.sessions();
      expect(atA).toHaveLength(1);
      expect(atB).toHaveLength(1);
      expect(atA[0]?.dialled).toBe(true);
      expect(atB[0]?.dialled).toBe(false);
      const ends = [...a.ends, ...b.ends];
      expect(ends.every(({ code }) => code === "DUPLICATE_SESSION")).toBe(true);
    });

    test("a session that the higher node id dialled is replaced by the lower one's", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      // A twin of a without memory of it dials, as a would that has lost the session.
      const fromB = await c.dial(b, a);
      const twin = await c.node("a", { incarnation: 1 });
      const fromTwin = await c.dial(twin, b);
      expect(fromTwin.dialled).toBe(true);
      await c.harness.until(() => b.ends.length === 1, 2_000, "the other one ends");
      expect(b.ends).toMatchObject([{ code: "DUPLICATE_SESSION", clean: true }]);
      expect(b.transport.sessions()).toEqual(b.accepted);
      expect(b.transport.sessions()).not.toContain(fromB);
    });

    test("the higher node id's dial is refused while the lower one's is there", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const first = await c.dial(a, b);
      await c.harness.until(() => b.accepted.length === 1, 1_000, "b accepts");
      // b itself would not dial; a twin does, and waits in vain for the session that stays.
      const twin = await c.node("b");
      expect(await c.refusal(twin.transport.dial(await c.target(twin, a)))).toBe("DIAL_FAILED");
      expect(a.transport.sessions()).toEqual([first]);
    });

    test("a second session of the same dialler replaces the first: SUPERSEDED", async () => {
      const c = await cluster();
      const { b, near } = await c.pair();
      const again = await c.node("a");
      const session = await c.dial(again, b);
      await c.harness.until(() => b.accepted.length === 2, 2_000, "b accepts the second");
      expect(b.ends).toMatchObject([{ code: "SUPERSEDED", clean: true }]);
      expect(b.transport.sessions()).toEqual([b.accepted[1]]);
      await c.harness.until(() => near.send(0, new Uint8Array(1)) === false, 2_000, "it ended");
      expect(session.peer.nodeId).toBe("b");
    });

    test("a newer incarnation replaces the older one, whoever dialled", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b", { incarnation: 1 });
      await c.dial(a, b);
      const restarted = await c.node("b", { incarnation: 2 });
      const session = await c.dial(restarted, a);
      expect(session.peer.nodeId).toBe("a");
      await c.harness.until(() => a.accepted.length === 1, 2_000, "a accepts");
      expect(a.ends).toMatchObject([{ code: "SUPERSEDED" }]);
      expect(a.transport.sessions()[0]?.peer.incarnation).toBe(2);
    });

    test("an older incarnation is refused", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b", { incarnation: 2 });
      const kept = await c.dial(a, b);
      const ghost = await c.node("b", { incarnation: 1 });
      const refusal = await c.refusal(ghost.transport.dial(await c.target(ghost, a)));
      expect(refusal).toBe("DIAL_FAILED");
      expect(a.transport.sessions()).toEqual([kept]);
      expect(a.accepted).toEqual([]);
    });

    test("after a loss the node is dialled again and everything starts anew", async () => {
      const c = await cluster();
      const { a, b, near } = await c.pair();
      near.openChannel();
      c.harness.cut("a", "b");
      await c.harness.until(() => a.ends.length + b.ends.length === 2, 1_000, "both notice");
      const next = await c.lanes(a, b, await c.dial(a, b));
      const atFar = record(next.far);
      expect(next.near.openChannel()).toBe(1);
      next.near.send(1, Uint8Array.of(42));
      await c.harness.until(() => atFar.length === 2, 2_000, "it arrives");
      expect(atFar[1]).toEqual({ channel: 1, message: Uint8Array.of(42) });
    });

    test("a half-open session is replaced as soon as the dialler is back", async () => {
      const c = await cluster();
      const { a, b } = await c.pair();
      c.harness.freeze("a", "b");
      await c.harness.until(() => a.ends.length === 1, 4_500, "a notices");
      c.harness.thaw("a", "b");
      await c.dial(a, b);
      await c.harness.until(() => b.transport.sessions().length === 1, 2_000, "b has it");
      await c.harness.until(() => b.ends.length === 1, 2_000, "the old one ended");
      expect(b.transport.sessions()).toEqual([b.accepted.at(-1)]);
    });
  });
}
