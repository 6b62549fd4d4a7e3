/** design/work.md: credit for free slots only, STARTED before the item, pulls. */
import { describe, expect, test } from "vitest";
import { CapabilityRig } from "../../../../support/capability-rig.ts";

describe("credit is for free slots that somebody asks for", () => {
  test("nobody pulls: none", () => {
    const rig = new CapabilityRig({ concurrency: 4 });
    const demand = rig.join("web-0");
    expect(demand.said("credit")).toEqual([]);
  });

  test("a pull gives credit up to its max and the free slots", () => {
    const rig = new CapabilityRig({ concurrency: 4 });
    const demand = rig.join("web-0");
    rig.pull(2);
    expect(demand.limit()).toBe(2);
    rig.pull(9);
    expect(demand.limit()).toBe(4);
  });

  test("work in progress fills its slot until its verb", () => {
    const rig = new CapabilityRig({ concurrency: 1 });
    const demand = rig.join("web-0");
    const call = rig.pull();
    demand.deliver(1);
    rig.pull();
    expect(demand.limit()).toBe(1);
    rig.verb(rig.pulled(call)[0]?.lease ?? "", { verb: "complete", result: new Uint8Array() });
    expect(demand.limit()).toBe(2);
  });

  test("credit of a pull that is over is taken back", () => {
    const rig = new CapabilityRig({ concurrency: 4 });
    const demand = rig.join("web-0");
    const call = rig.pull(3, 500);
    rig.pass(500);
    expect(rig.pulled(call)).toEqual([]);
    expect(demand.limit()).toBe(0);
  });

  test("it lingers a moment, since the next pull mostly follows at once", () => {
    const rig = new CapabilityRig({ concurrency: 4, lingerMs: 50 });
    const demand = rig.join("web-0");
    rig.pull(3, 500);
    rig.pass(549);
    expect(demand.said("credit")).toHaveLength(1);
    rig.pull(3);
    rig.pass(100);
    expect(demand.said("credit")).toHaveLength(1);
    rig.pass(1_000);
    expect(demand.limit()).toBe(0);
  });

  test("a demand that sends without credit loses its link", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    const effects = demand.deliver(1);
    expect(effects.find(({ type }) => type === "closeLink")).toMatchObject({ link: demand.link });
  });
});

describe("pull", () => {
  test("STARTED goes to the demand before the application gets the item", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    const call = rig.pull();
    const types = demand
      .deliver(1)
      .map((effect) => (effect.type === "send" ? effect.message.kind.case : effect.type));
    expect(types.indexOf("started")).toBeLessThan(types.indexOf("reply"));
    expect(rig.pulled(call)).toMatchObject([{ attempt: 1, request: new Uint8Array([1]) }]);
  });

  test("is answered with everything that came together, up to its max", () => {
    const rig = new CapabilityRig({ concurrency: 4 });
    const demand = rig.join("web-0");
    const [first, second] = [rig.pull(2), rig.pull(2)];
    demand.deliver(1, 2, 3);
    expect(rig.pulled(first)).toHaveLength(2);
    expect(rig.pulled(second)).toHaveLength(1);
  });

  test("an item that came too late waits a moment for the next pull", () => {
    const rig = new CapabilityRig({ parkMs: 200 });
    const demand = rig.join("web-0");
    rig.pull(1, 500);
    rig.pass(500);
    demand.deliver(1);
    rig.pass(100);
    expect(rig.pulled(rig.pull())).toHaveLength(1);
    expect(demand.said("release")).toEqual([]);
  });

  test("then it is given back without having been started", () => {
    const rig = new CapabilityRig({ parkMs: 200 });
    const demand = rig.join("web-0");
    rig.pull(1, 500);
    rig.pass(500);
    demand.deliver(1);
    rig.pass(200);
    expect(demand.said("release")).toHaveLength(1);
    expect(demand.said("started")).toEqual([]);
    expect(rig.snapshot().running).toBe(0);
  });

  test("one whose caller went away gets nothing", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    const call = rig.pull();
    rig.handle({ type: "pullCancelled", call });
    expect(demand.limit()).toBe(0);
    expect(rig.reply(call)).toBeUndefined();
  });

  test.each([
    [{ max: 0, waitMs: 1 }, "INVALID_ARGUMENT"],
    [{ max: 1_001, waitMs: 1 }, "INVALID_ARGUMENT"],
    [{ max: 1, waitMs: -1 }, "INVALID_ARGUMENT"],
    [{ max: 1, waitMs: 300_001 }, "INVALID_ARGUMENT"],
    [{ max: 1, waitMs: Number.NaN }, "INVALID_ARGUMENT"],
    [{ max: 1, waitMs: 1, presence: "nobody" }, "UNKNOWN_PRESENCE"],
  ] as const)("%o is refused", (asked, code) => {
    const rig = new CapabilityRig();
    const call = rig.pull(
      asked.max,
      asked.waitMs,
      "presence" in asked ? asked.presence : undefined,
    );
    expect(rig.reply(call)).toMatchObject({ kind: "refused", refusal: { code } });
  });

  test("waiting pulls are bounded", () => {
    const rig = new CapabilityRig({ maxPulls: 2 });
    rig.pull();
    rig.pull();
    expect(rig.reply(rig.pull())).toMatchObject({ refusal: { code: "TOO_MANY_WAITERS" } });
  });
});
