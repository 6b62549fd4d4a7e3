/** design/work.md: presence, renewal, reconnects, drain, at the provider. */
import { describe, expect, test } from "vitest";
import { ObstacleKind, SettledStatus } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { resolveCapabilityOptions } from "../../../../../sidecar/core/work/index.ts";
import {
  CapabilityRig,
  firstDelivery,
  type RigDemand,
} from "../../../../support/capability-rig.ts";
import { rigContract } from "../../../../support/demand-rig.ts";

/** A pool whose application, with a presence, works on items 1 … count of web-0. */
function present(count = 1): {
  rig: CapabilityRig;
  demand: RigDemand;
  leases: readonly string[];
} {
  const rig = new CapabilityRig({ concurrency: count });
  const demand = rig.join("web-0");
  rig.handle({ type: "presenceOpened", presence: "app" });
  const call = rig.pull(count, 1_000, "app");
  demand.deliver(...Array.from({ length: count }, (_, index) => index + 1));
  return { rig, demand, leases: rig.pulled(call).map(({ lease }) => lease) };
}

describe("presence", () => {
  test("its leases are renewed every third of the duration, one message a link", () => {
    const { rig, demand } = present(3);
    rig.pass(60_000);
    const renewals = demand.said("renew");
    expect(renewals).toHaveLength(12);
    for (const { leases, progress } of renewals) {
      expect(leases).toHaveLength(3);
      expect(progress).toBe(false);
    }
    expect(rig.effects.some(({ type }) => type === "leaseEnded")).toBe(false);
  });

  test("a Renew names at most 1,000 leases", () => {
    const { rig, demand } = present(1_000);
    rig.pass(5_000);
    expect(demand.said("renew").map(({ leases }) => leases.length)).toEqual([1_000]);
  });

  test("its end is a failed attempt of what was started", () => {
    const { rig, demand } = present();
    rig.handle({ type: "presenceClosed", presence: "app" });
    expect(demand.said("fail")).toMatchObject([
      { lease: { sequence: 1n }, error: { code: "APPLICATION_GONE", retryable: true } },
    ]);
    expect(rig.snapshot().running).toBe(0);
  });

  test("its end answers its waiting pulls and takes their credit back", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    rig.handle({ type: "presenceOpened", presence: "app" });
    const call = rig.pull(1, 1_000, "app");
    rig.handle({ type: "presenceClosed", presence: "app" });
    expect(rig.pulled(call)).toEqual([]);
    expect(demand.limit()).toBe(0);
  });

  test("its end frees the slots of leases that were taken away before", () => {
    const { rig, demand } = present();
    demand.cancel(1);
    rig.handle({ type: "presenceClosed", presence: "app" });
    expect(rig.snapshot().running).toBe(0);
    expect(demand.said("fail")).toEqual([]);
  });
});

describe("a lost transport", () => {
  test("leases are kept when the same incarnation is back; STARTED is said again", () => {
    const { rig } = present();
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.pass(3_000);
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    const again = rig.lastLink("web-0");
    expect(again.said("hello")).toMatchObject([{ held: [{ sequence: 1n }] }]);
    again.admit([firstDelivery(1)]);
    expect(again.said("started")).toHaveLength(1);
    rig.pass(14_000);
    expect(rig.effects.some(({ type }) => type === "leaseEnded")).toBe(false);
  });

  test("leases that the demand did not keep end", () => {
    const { rig, leases } = present();
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    const effects = rig.lastLink("web-0").admit([]);
    expect(effects).toContainEqual(
      expect.objectContaining({ type: "leaseEnded", lease: leases[0], reason: "LEASE_LOST" }),
    );
  });

  test("leases end when the connection is away for longer than they last", () => {
    const { rig } = present();
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.pass(15_000);
    expect(rig.effects).toContainEqual(expect.objectContaining({ reason: "LEASE_LOST" }));
  });

  test("leases of a demand whose node started again are lost with the queue", () => {
    const { rig } = present();
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 2 });
    expect(rig.effects).toContainEqual(expect.objectContaining({ reason: "QUEUE_LOST" }));
    expect(rig.lastLink("web-0").said("hello")).toMatchObject([{ held: [] }]);
  });

  test("what had not been handed out is given up, since STARTED cannot be said", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    rig.pull(1, 500);
    rig.pass(500);
    demand.deliver(1);
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    expect(rig.snapshot().running).toBe(0);
    expect(rig.reply(rig.pull(1, 0))).toBeUndefined();
  });

  test("who finds the demand full settles what it holds, then leaves", () => {
    const { rig, leases } = present();
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    const again = rig.lastLink("web-0");
    again.full();
    expect(again.said("renew")).toMatchObject([{ leases: [{ sequence: 1n }] }]);
    const call = rig.verb(leases[0] ?? "", { verb: "complete", result: new Uint8Array() });
    expect(again.said("leave")).toEqual([]);
    again.settled(1);
    expect(rig.reply(call)).toMatchObject({ kind: "settled" });
    expect(again.said("leave")).toHaveLength(1);
  });

  test("a lease that the demand calls lost ends", () => {
    const { rig, demand, leases } = present();
    const effects = demand.settled(1, "delayed", SettledStatus.LEASE_LOST);
    expect(effects).toContainEqual(
      expect.objectContaining({ type: "leaseEnded", lease: leases[0], reason: "LEASE_LOST" }),
    );
    expect(rig.pool.holds(leases[0] ?? "")).toBe(true);
  });
});

describe("drain", () => {
  test("credit 0, pulls answered, nothing new, leased items may finish, then it leaves", () => {
    const { rig, demand, leases } = present();
    const waiting = rig.pull();
    rig.handle({ type: "drain" });
    expect(rig.pulled(waiting)).toEqual([]);
    expect(rig.reply(rig.pull())).toMatchObject({ refusal: { code: "DRAINING" } });
    expect(demand.said("leave")).toEqual([]);
    rig.verb(leases[0] ?? "", { verb: "complete", result: new Uint8Array() });
    const effects = demand.settled(1);
    expect(demand.said("leave")).toHaveLength(1);
    expect(effects).toContainEqual({ type: "drained" });
    expect(effects).toContainEqual({ type: "want", nodeIds: [] });
  });

  test("releases what has not started", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    rig.pull(1, 500);
    rig.pass(500);
    demand.deliver(1);
    rig.handle({ type: "drain" });
    expect(demand.said("release")).toHaveLength(1);
  });

  test("at the end of the grace the rest is released with the reason", () => {
    const { rig, demand, leases } = present();
    rig.handle({ type: "drain" });
    const effects = rig.handle({ type: "close", reason: "the grace is over" });
    expect(demand.said("release")).toMatchObject([{ reason: "the grace is over" }]);
    expect(effects).toContainEqual(
      expect.objectContaining({ type: "leaseEnded", lease: leases[0], reason: "DRAINING" }),
    );
    expect(demand.said("leave")).toHaveLength(1);
    expect(effects).toContainEqual({ type: "drained" });
  });

  test("an idle pool is drained at once", () => {
    expect(new CapabilityRig().handle({ type: "drain" })).toContainEqual({ type: "drained" });
  });
});

describe("changed options", () => {
  test("every link introduces itself again; what is held stays held", () => {
    const { rig, demand } = present();
    const options = resolveCapabilityOptions({ concurrency: 5, joinJitterMs: 0 });
    rig.handle({ type: "configure", contract: rigContract, options });
    const again = rig.lastLink("web-0");
    expect(again.link).not.toBe(demand.link);
    expect(again.said("hello")).toMatchObject([{ capacity: 5, held: [{ sequence: 1n }] }]);
  });
});

describe("views", () => {
  test("links, slots and why nothing comes", () => {
    const rig = new CapabilityRig({ concurrency: 2 });
    expect(rig.snapshot().notDelivering).toBe("no demand of its route is known");
    const demand = rig.meet("web-0");
    expect(rig.snapshot().demands).toMatchObject([{ state: "asking", leased: 0 }]);
    demand.admit();
    expect(rig.snapshot().notDelivering).toBe("the application does not pull");
    rig.handle({ type: "rtt", nodeId: "web-0", rttMs: 0.3 });
    rig.pull(2);
    expect(rig.snapshot()).toMatchObject({
      name: "resize",
      running: 0,
      slots: 2,
      waitingPulls: 1,
      demands: [{ demand: "thumbs", nodeId: "web-0", state: "joined", rttMs: 0.3, credit: 2 }],
    });
    expect(rig.snapshot().notDelivering).toBeUndefined();
  });
});

describe("an obstacle of the application", () => {
  const obstacle = { kind: "notListening", port: 8_080, detail: "not listening" } as const;
  const tell = (rig: CapabilityRig, of: typeof obstacle | undefined): void => {
    rig.handle({ type: "obstacle", obstacle: of });
  };

  test("is told to demands that are joined, on each change, once", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    tell(rig, obstacle);
    tell(rig, { ...obstacle });
    tell(rig, undefined);
    expect(demand.said("obstacle").map(({ kind, port }) => [kind, port])).toEqual([
      [ObstacleKind.NOT_LISTENING, 8_080],
      [ObstacleKind.UNSPECIFIED, 0],
    ]);
  });

  test("is told to a demand that lets the provider in later; nothing when there is none", () => {
    const rig = new CapabilityRig();
    expect(rig.join("web-0").said("obstacle")).toEqual([]);
    tell(rig, obstacle);
    const asked = rig.meet("web-1");
    expect(asked.said("obstacle")).toEqual([]);
    asked.admit();
    expect(asked.said("obstacle")).toHaveLength(1);
    expect(rig.snapshot().notDelivering).toBe("not listening");
  });
});

test("extra calls of advance are harmless", () => {
  const { rig } = present();
  rig.pass(7_000);
  expect(rig.pool.advance(rig.nowMs)).toEqual([]);
  expect(rig.pool.advance(rig.nowMs)).toEqual([]);
});
