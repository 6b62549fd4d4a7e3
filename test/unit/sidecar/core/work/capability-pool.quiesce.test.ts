/** A capability that is to take nothing new for a while: QUIESCE of the operator. */
import { describe, expect, test } from "vitest";
import { CapabilityRig } from "../../../../support/capability-rig.ts";

function quiesced() {
  const rig = new CapabilityRig({ concurrency: 2 });
  const demand = rig.join("web-0");
  const call = rig.pull(2, 60_000);
  demand.deliver(1);
  const [lease] = rig.pulled(call);
  rig.pull(1, 60_000);
  rig.handle({ type: "quiesce", quiesced: true });
  return { rig, demand, lease: lease?.lease ?? "" };
}

function creditOf(rig: CapabilityRig): number {
  return rig.snapshot().demands.reduce((sum, demand) => sum + demand.credit, 0);
}

describe("a quiesced capability", () => {
  test("takes its credit back, and has none only once the demand has confirmed it", () => {
    const { rig, demand } = quiesced();
    expect(creditOf(rig)).toBe(1);
    demand.creditTaken();
    expect(creditOf(rig)).toBe(0);
    expect(rig.snapshot()).toMatchObject({ quiesced: true, running: 1 });
  });

  test("gives back what was on its way, without an attempt counted", () => {
    const { demand } = quiesced();
    demand.deliver(2);
    expect(demand.said("release")).toMatchObject([{ lease: { sequence: 2n } }]);
    expect(demand.said("fail")).toEqual([]);
  });

  test("finishes what it holds, keeps its links, and is idle from then on", () => {
    const { rig, demand, lease } = quiesced();
    demand.creditTaken();
    rig.pass(1_000);
    expect(rig.snapshot().idleMs).toBe(0);
    rig.verb(lease, { verb: "complete", result: new Uint8Array() });
    demand.settled(1);
    rig.pass(3_000);
    expect(rig.snapshot()).toMatchObject({ running: 0, unsettled: 0, idleMs: 3_000 });
    expect(rig.effects.some(({ type }) => type === "closeLink")).toBe(false);
  });

  test("gives credit again when it is over, to the pull that still waits", () => {
    const { rig, demand } = quiesced();
    demand.creditTaken();
    rig.handle({ type: "quiesce", quiesced: false });
    expect(creditOf(rig)).toBe(1);
    demand.deliver(3);
    expect(rig.snapshot().running).toBe(2);
  });
});
