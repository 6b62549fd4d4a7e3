/** design/work.md, "Who connects to whom": which demands a capability joins, when it asks again. */
import { describe, expect, test } from "vitest";
import { CapabilityRig } from "../../../../support/capability-rig.ts";

function wanted(rig: CapabilityRig): readonly string[] {
  for (let index = rig.effects.length - 1; index >= 0; index--) {
    const effect = rig.effects[index];
    if (effect?.type === "want") return effect.nodeIds;
  }
  return [];
}

describe("joining", () => {
  test("wants a session with the node of a known demand, and says Hello once it is there", () => {
    const rig = new CapabilityRig();
    rig.announce("web-0");
    expect(wanted(rig)).toEqual(["web-0"]);
    expect(rig.openedLinks()).toBe(0);
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    expect(rig.lastLink("web-0").said("hello")).toMatchObject([
      { demand: "thumbs", request: "test.Request", capability: "resize", capacity: 1 },
    ]);
  });

  test("up to maxDemands, those below desired first", () => {
    const rig = new CapabilityRig({ maxDemands: 2 });
    rig.handle({
      type: "candidates",
      candidates: [
        ["a", 1],
        ["b", 0],
        ["c", 2],
        ["d", 0],
      ].map(([nodeId, connected]) => ({
        nodeId: String(nodeId),
        incarnation: 1,
        demand: "thumbs",
        desired: 1,
        max: 3,
        connected: Number(connected),
      })),
    });
    expect(wanted(rig).toSorted()).toEqual(["b", "d"]);
  });

  test("a demand with all its providers is not asked", () => {
    const rig = new CapabilityRig();
    rig.announce("web-0", { connected: 2, desired: 1, max: 2 });
    expect(wanted(rig)).toEqual([]);
  });

  test("two demands of one node are two links of one session", () => {
    const rig = new CapabilityRig();
    rig.announce("web-0");
    rig.announce("web-0", { demand: "previews" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    expect(rig.openedLinks()).toBe(2);
    expect(wanted(rig)).toEqual(["web-0"]);
  });

  test("the start is jittered, so that providers do not all come at once", () => {
    const rig = new CapabilityRig({ joinJitterMs: 1_000 }, 0.4);
    rig.announce("web-0");
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    expect(rig.openedLinks()).toBe(0);
    rig.pass(399);
    expect(rig.openedLinks()).toBe(0);
    rig.pass(1);
    expect(rig.openedLinks()).toBe(1);
  });

  test("providers with other luck choose other demands of the same list", () => {
    const chosen = [0, 0.5, 0.99].map((luck) => {
      const rig = new CapabilityRig({ maxDemands: 1 }, luck);
      const candidates = ["a", "b", "c"].map((nodeId) => ({
        nodeId,
        incarnation: 1,
        demand: "thumbs",
        desired: 2,
        max: 4,
        connected: 0,
      }));
      rig.handle({ type: "candidates", candidates });
      return wanted(rig)[0];
    });
    expect(new Set(chosen).size).toBe(3);
  });
});

describe("refusals", () => {
  test("FULL lowers the believed deficit and is asked again after its time", () => {
    const rig = new CapabilityRig();
    const demand = rig.meet("web-0");
    demand.full(1_500);
    expect(rig.snapshot().demands[0]).toMatchObject({ state: "full" });
    expect(rig.snapshot().demands[0]?.reason).toContain("it has its 1 providers");
    rig.pass(10_000);
    expect(rig.openedLinks()).toBe(1);
    rig.announce("web-0");
    expect(rig.openedLinks()).toBe(2);
  });

  test("an announcement before its time does not make it ask earlier", () => {
    const rig = new CapabilityRig();
    rig.meet("web-0").full(1_500);
    rig.announce("web-0");
    rig.pass(1_499);
    expect(rig.openedLinks()).toBe(1);
    rig.pass(1);
    expect(rig.openedLinks()).toBe(2);
  });

  test("a full demand makes room for another", () => {
    const rig = new CapabilityRig({ maxDemands: 1 });
    const first = rig.meet("web-0");
    rig.announce("web-1");
    expect(wanted(rig)).toEqual(["web-0"]);
    first.full();
    expect(wanted(rig)).toEqual(["web-1"]);
  });

  test.each([
    ["draining", 5_000],
    ["incompatible", 30_000],
  ] as const)("%s is asked again after %d ms, with the reason shown", (kind, retryMs) => {
    const rig = new CapabilityRig();
    rig.meet("web-0").say({ case: kind, value: { reason: "because" } });
    expect(rig.snapshot().demands[0]).toMatchObject({ state: kind });
    expect(rig.snapshot().demands[0]?.reason).toContain("because");
    rig.pass(retryMs - 1);
    expect(rig.openedLinks()).toBe(1);
    rig.pass(1);
    expect(rig.openedLinks()).toBe(2);
  });

  test("no answer to Hello is given up after 5 s", () => {
    const rig = new CapabilityRig();
    const demand = rig.meet("web-0");
    rig.pass(5_000);
    expect(rig.effects).toContainEqual(
      expect.objectContaining({ type: "closeLink", link: demand.link }),
    );
  });
});

describe("loss", () => {
  test("a node that cannot be reached is left for a while, longer each time", () => {
    const rig = new CapabilityRig();
    rig.announce("web-0");
    rig.handle({ type: "dialFailed", nodeId: "web-0" });
    expect(wanted(rig)).toEqual([]);
    rig.pass(2_000);
    expect(wanted(rig)).toEqual(["web-0"]);
    rig.handle({ type: "dialFailed", nodeId: "web-0" });
    rig.pass(2_000);
    expect(wanted(rig)).toEqual([]);
    rig.pass(30_000);
    expect(wanted(rig)).toEqual(["web-0"]);
  });

  test("a session that is lost stays wanted, and its demand is asked at once when it is back", () => {
    const rig = new CapabilityRig();
    rig.join("web-0");
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    expect(wanted(rig)).toEqual(["web-0"]);
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    expect(rig.openedLinks()).toBe(2);
  });

  test("a demand that is announced no more is forgotten, but not while it is linked", () => {
    const rig = new CapabilityRig();
    rig.join("web-0");
    rig.announce("web-1");
    rig.silence("web-0");
    rig.silence("web-1");
    expect(rig.snapshot().demands.map(({ nodeId }) => nodeId)).toEqual(["web-0"]);
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.pass(60_000);
    expect(rig.snapshot().demands).toEqual([]);
  });
});

test("candidates are bounded", () => {
  const rig = new CapabilityRig();
  const candidates = Array.from({ length: 10_001 }, (_, index) => ({
    nodeId: `n-${String(index)}`,
    incarnation: 1,
    demand: "thumbs",
    desired: 1,
    max: 1,
    connected: 1,
  }));
  rig.handle({ type: "candidates", candidates });
  expect(rig.snapshot().demands).toHaveLength(10_000);
});
