import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import {
  CarrierTransport,
  MemoryNetwork,
  type PeerSession,
  TransportError,
} from "../../../../sidecar/transport/index.ts";
import { FakeTime } from "../../../support/fake-time.ts";

function node(network: MemoryNetwork, time: FakeTime, nodeId: string) {
  const name = { clusterId: "c", namespace: "n", nodeId };
  const transport = new CarrierTransport(
    {
      factory: network.factoryOf(name),
      clock: time,
      timers: time,
      turns: time,
      logger: silentLogger,
    },
    { local: { ...name, incarnation: 1 } },
  );
  const seen = new Set<PeerSession>();
  transport.onSession((session) => seen.add(session));
  return { transport, seen, address: { host: "m", port: nodeId === "a" ? 1 : 2 } };
}

describe("CarrierTransport", () => {
  test("whenever both dial and however slow each way is, both keep the same one", async () => {
    const delay = fc.nat(40);
    await fc.assert(
      fc.asyncProperty(delay, delay, delay, delay, async (there, back, startA, startB) => {
        const time = new FakeTime();
        const network = new MemoryNetwork({
          timers: time,
          delayMs: (from) => (from === "a" ? there : back),
        });
        const a = node(network, time, "a");
        const b = node(network, time, "b");
        await a.transport.listen(a.address);
        await b.transport.listen(b.address);
        const got: PeerSession[] = [];
        const note = (session: PeerSession): void => {
          got.push(session);
        };
        time.after(startA, () => {
          void a.transport.dial({ nodeId: "b", ...b.address }).then(note);
        });
        time.after(startB, () => {
          void b.transport.dial({ nodeId: "a", ...a.address }).then(note);
        });
        await time.elapse(3_000);
        expect(got).toHaveLength(2);
        const atA = a.transport.sessions();
        const atB = b.transport.sessions();
        expect([atA.length, atB.length]).toEqual([1, 1]);
        expect(atA[0]?.dialled).toBe(atB[0]?.dialled === false);
        expect(network.linkCount).toBe(1);
        await Promise.all([
          a.transport.close("over"),
          b.transport.close("over"),
          time.elapse(3_000),
        ]);
        expect(network.linkCount).toBe(0);
        expect(time.timerCount).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("cut at any moment of the opening: a code or a session, and nothing is left", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(14), fc.boolean(), async (cutAtMs, freeze) => {
        const time = new FakeTime();
        const network = new MemoryNetwork({ timers: time, delayMs: () => 2 });
        const a = node(network, time, "a");
        const b = node(network, time, "b");
        await b.transport.listen(b.address);
        let outcome = "none";
        a.transport.dial({ nodeId: "b", ...b.address }).then(
          () => (outcome = "session"),
          (error: unknown) => {
            if (error instanceof TransportError) outcome = error.code;
          },
        );
        await time.elapse(cutAtMs);
        if (freeze) network.halfOpen("a", "b");
        else network.cut("a", "b");
        await time.elapse(6_000);
        expect(["session", "DIAL_FAILED", "OPEN_TIMEOUT"]).toContain(outcome);
        if (freeze || outcome !== "session") {
          expect([a.transport.sessions(), b.transport.sessions()]).toEqual([[], []]);
        }
        network.heal("a", "b");
        await Promise.all([
          a.transport.close("over"),
          b.transport.close("over"),
          time.elapse(6_000),
        ]);
        expect(network.linkCount).toBe(0);
        expect(time.timerCount).toBe(0);
      }),
    );
  });

  test("an opening that nobody answers ends after 5.5 s, and no timer is left", async () => {
    const time = new FakeTime();
    const network = new MemoryNetwork({ timers: time });
    const a = node(network, time, "a");
    await a.transport.listen(a.address);
    const stranger = network.factoryOf({ clusterId: "c", namespace: "n", nodeId: "z" });
    const dial = stranger.dial({ nodeId: "a", ...a.address }, new AbortController().signal);
    await time.elapse(10);
    await dial;
    expect(network.linkCount).toBe(1);
    await time.elapse(5_600);
    expect(network.linkCount).toBe(0);
    expect(time.timerCount).toBe(0);
  });

  test("an address in use: LISTEN_FAILED", async () => {
    const time = new FakeTime();
    const network = new MemoryNetwork({ timers: time });
    const a = node(network, time, "a");
    await a.transport.listen(a.address);
    await expect(a.transport.listen(a.address)).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });
});
