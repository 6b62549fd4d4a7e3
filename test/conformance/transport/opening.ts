import { describe, expect, test } from "vitest";
import type { HarnessFactory } from "./suite.ts";
import { withCluster } from "./with-cluster.ts";

export function describeOpening(create: HarnessFactory): void {
  describe("opening", () => {
    const cluster = withCluster(create);

    test("both sides know who the other is", async () => {
      const c = await cluster();
      const a = await c.node("a", { incarnation: 7 });
      const b = await c.node("b", { incarnation: 9 });
      const session = await c.dial(a, b);
      await c.harness.until(() => b.accepted.length === 1, 1_000, "b accepts");
      expect(session.dialled).toBe(true);
      expect(session.peer).toMatchObject({
        clusterId: "test",
        namespace: "default",
        nodeId: "b",
        incarnation: 9,
      });
      expect(session.peer.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(b.accepted[0]?.dialled).toBe(false);
      expect(b.accepted[0]?.peer).toMatchObject({ nodeId: "a", incarnation: 7 });
      expect(a.transport.sessions()).toEqual([session]);
      expect(b.transport.sessions()).toEqual([b.accepted[0]]);
    });

    test("a dial that is repeated gives the session that there is", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const target = await c.target(a, b);
      const first = a.transport.dial(target);
      const second = a.transport.dial(target);
      expect(await c.settle(first)).toBe(await c.settle(second));
      expect(await c.settle(a.transport.dial(target))).toBe(await c.settle(first));
    });

    test("nobody there: DIAL_FAILED", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      await c.settle(b.transport.close("gone"));
      expect(await c.refusal(a.transport.dial(await c.target(a, b)))).toBe("DIAL_FAILED");
    });

    test("nobody answers: DIAL_FAILED within 5 s", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const target = await c.target(a, b);
      c.harness.freeze("a", "b");
      const startedMs = c.harness.clock.nowMs();
      expect(await c.refusal(a.transport.dial(target))).toBe("DIAL_FAILED");
      expect(c.harness.clock.nowMs() - startedMs).toBeLessThan(5_500);
    });

    test("another node answers than was dialled: IDENTITY_MISMATCH", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      expect(await c.refusal(a.transport.dial(await c.target(a, b, "other")))).toBe(
        "IDENTITY_MISMATCH",
      );
    });

    for (const claims of [{ nodeId: "x" }, { namespace: "x" }, { clusterId: "x" }]) {
      const field = Object.keys(claims).join("");
      test(`a dialler whose HELLO names another ${field} than its certificate`, async () => {
        const c = await cluster();
        const a = await c.node("a", { claims });
        const b = await c.node("b");
        expect(await c.refusal(a.transport.dial(await c.target(a, b)))).toBe("IDENTITY_MISMATCH");
        expect(b.accepted).toEqual([]);
        expect(b.transport.sessions()).toEqual([]);
      });

      test(`an acceptor whose HELLO names another ${field} than its certificate`, async () => {
        const c = await cluster();
        const a = await c.node("a");
        const b = await c.node("b", { claims });
        expect(await c.refusal(a.transport.dial(await c.target(a, b)))).toBe("IDENTITY_MISMATCH");
        expect(a.transport.sessions()).toEqual([]);
      });
    }

    test("a node that dials itself: IDENTITY_MISMATCH", async () => {
      const c = await cluster();
      const a = await c.node("a");
      expect(await c.refusal(a.transport.dial({ nodeId: "a", ...a.address }))).toBe(
        "IDENTITY_MISMATCH",
      );
    });

    test("no framing in common: NO_COMMON_VALUE at both sides", async () => {
      const c = await cluster();
      const a = await c.node("a", { offer: { framing: [1] } });
      const b = await c.node("b", { offer: { framing: [2] } });
      expect(await c.refusal(a.transport.dial(await c.target(a, b)))).toBe("NO_COMMON_VALUE");
      expect(b.transport.sessions()).toEqual([]);
    });

    test("nodes of different versions meet at what both have", async () => {
      const c = await cluster();
      const a = await c.node("a", { offer: { framing: [1, 2], maxFrame: [262_144, 524_288] } });
      const b = await c.node("b", { offer: { framing: [1] } });
      const session = await c.dial(a, b);
      expect(session.peer.nodeId).toBe("b");
    });

    test("more connections than the bound are refused", async () => {
      const c = await cluster();
      const b = await c.node("b", { maxSessions: 1 });
      const a = await c.node("a");
      await c.dial(a, b);
      const d = await c.node("d");
      expect(await c.refusal(d.transport.dial(await c.target(d, b)))).toBe("DIAL_FAILED");
      expect(await c.refusal(b.transport.dial(await c.target(b, d)))).toBe("LIMIT_EXCEEDED");
    });

    test("after close nothing is dialled, and nothing is accepted", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const target = await c.target(a, b);
      await c.settle(a.transport.close("over"));
      expect(await c.refusal(a.transport.dial(target))).toBe("CLOSED");
      await c.settle(b.transport.close("over"));
      const d = await c.node("d");
      expect(await c.refusal(d.transport.dial(target))).toBe("DIAL_FAILED");
    });

    test("close gives up a dial that is under way", async () => {
      const c = await cluster();
      const a = await c.node("a");
      const b = await c.node("b");
      const target = await c.target(a, b);
      c.harness.freeze("a", "b");
      const refusal = c.refusal(a.transport.dial(target));
      await c.settle(a.transport.close("over"), 2_500);
      expect(await refusal).toBe("DIAL_FAILED");
    });
  });
}
