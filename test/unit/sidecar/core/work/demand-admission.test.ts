/** design/work.md, "Placement": admission is the Demand's, and maxProviders is exact. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DemandRig,
  type RigProvider,
  rigContract,
  rigLease,
} from "../../../../support/demand-rig.ts";

describe("the four answers to Hello", () => {
  test("ADMIT names the incarnation, the lease duration, maxRuntime and the providers", () => {
    const rig = new DemandRig({ desiredProviders: 2, maxProviders: 3 });
    expect(rig.open("worker-0").hello()).toMatchObject({
      case: "admit",
      value: {
        incarnation: 7n,
        leaseDurationMs: 15_000,
        maxRuntimeMs: 600_000,
        kept: [],
        providers: { desired: 2, max: 3, connected: 1 },
      },
    });
  });

  test("FULL says when to ask again", () => {
    const rig = new DemandRig({ maxProviders: 1 });
    rig.provider("worker-0");
    const answer = rig.open("worker-1").hello();
    expect(answer).toMatchObject({ case: "full", value: { providers: { max: 1, connected: 1 } } });
    if (answer?.case !== "full") throw new Error("not full");
    expect(answer.value.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(answer.value.retryAfterMs).toBeLessThanOrEqual(2_000);
  });

  test("DRAINING while the demand ends", () => {
    const rig = new DemandRig();
    rig.handle({ type: "drain" });
    expect(rig.open("worker-0").hello()).toMatchObject({ case: "draining" });
  });

  test.each([
    { contractHash: new Uint8Array(32).fill(2) },
    { request: "other.Request" },
    { response: "other.Response" },
  ])("INCOMPATIBLE names both contracts: %o", (difference) => {
    const rig = new DemandRig();
    const answer = rig.open("worker-0").hello({ contract: { ...rigContract, ...difference } });
    expect(answer).toMatchObject({ case: "incompatible" });
    if (answer?.case !== "incompatible") throw new Error("not incompatible");
    expect(answer.value.reason).toContain("test.Request → test.Response (010101010101)");
    expect(answer.value.reason).toContain("the capability's is");
  });
});

describe("maxProviders", () => {
  test("two capabilities of one node are two providers", () => {
    const rig = new DemandRig();
    rig.open("worker-0").hello({ capability: "resize" });
    rig.open("worker-0").hello({ capability: "crop" });
    expect(rig.queue.providers().connected).toBe(2);
  });

  test("a provider that comes back over a new link keeps its place; the old link is closed", () => {
    const rig = new DemandRig({ maxProviders: 1 });
    const old = rig.provider("worker-0", 1);
    const back = rig.open("worker-0");
    expect(back.hello()).toMatchObject({ case: "admit" });
    expect(rig.effects).toContainEqual({
      type: "closeLink",
      link: old.link,
      reason: "SUPERSEDED: the same provider opened another link",
    });
    expect(rig.queue.providers().connected).toBe(1);
  });

  test("credit of an old link is worth nothing on the new one", () => {
    const rig = new DemandRig();
    rig.provider("worker-0", 5);
    const back = rig.provider("worker-0");
    const sequence = rig.add();
    expect(rig.item(sequence).state).toBe("ready");
    back.credit(1);
    expect(rig.item(sequence).state).toBe("leased");
  });

  test("a provider's death raises the deficit at once, also while its leases are kept", () => {
    const rig = new DemandRig({ desiredProviders: 1, maxProviders: 1 });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.lost();
    expect(rig.queue.snapshot(rig.nowMs).deficit).toBe(1);
    expect(rig.open("worker-1").hello()).toMatchObject({ case: "admit" });
    expect(rig.item(sequence).state).toBe("leased");
  });

  test("who finds its place taken may still settle what it held, and gets nothing", () => {
    const rig = new DemandRig({ maxProviders: 1 });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    const lease = worker.lease();
    worker.lost();
    rig.provider("worker-1");
    const back = rig.open("worker-0");
    expect(back.hello({ held: [lease] })).toMatchObject({ case: "full" });
    back.credit(5);
    rig.pass(10_000);
    back.renew([lease]);
    rig.pass(10_000);
    rig.add();
    expect(back.deliveries()).toHaveLength(0);
    back.complete(lease);
    expect(rig.item(sequence).state).toBe("done");
  });

  test("an older incarnation is turned away", () => {
    const rig = new DemandRig();
    rig.provider("worker-0", 0, 5);
    const old = rig.open("worker-0", 4);
    expect(old.hello()).toBeUndefined();
    expect(rig.effects).toContainEqual(
      expect.objectContaining({ type: "closeLink", link: old.link }),
    );
    expect(rig.queue.providers().connected).toBe(1);
  });

  test("is exact under any order of joining, leaving and coming back", () => {
    const step = fc.record({
      kind: fc.constantFrom("join", "lose", "leave", "restart"),
      node: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step), (maxProviders, steps) => {
        const rig = new DemandRig({ maxProviders });
        const living = new Map<number, RigProvider>();
        const admitted = new Map<number, boolean>();
        const incarnations = new Map<number, number>();
        for (const { kind, node } of steps) {
          const incarnation = incarnations.get(node) ?? 1;
          const provider = living.get(node);
          if (kind === "join" || kind === "restart") {
            const next = kind === "restart" ? incarnation + 1 : incarnation;
            incarnations.set(node, next);
            const link = rig.open(`worker-${String(node)}`, next);
            admitted.delete(node);
            const others = [...admitted.values()].filter(Boolean).length;
            const isAdmitted = link.hello()?.case === "admit";
            expect(isAdmitted).toBe(others < maxProviders);
            admitted.set(node, isAdmitted);
            living.set(node, link);
          } else if (provider !== undefined) {
            if (kind === "lose") provider.lost();
            else provider.say({ case: "leave", value: { reason: "" } });
            living.delete(node);
            admitted.delete(node);
          }
          const count = [...admitted.values()].filter(Boolean).length;
          expect(rig.queue.providers().connected).toBe(count);
          expect(count).toBeLessThanOrEqual(maxProviders);
        }
      }),
    );
  });
});

describe("announcements of changed numbers", () => {
  test("follow a change at once, and further changes together", () => {
    const rig = new DemandRig();
    const changes = (): number =>
      rig.effects.filter(({ type }) => type === "providersChanged").length;
    const first = rig.provider("worker-0");
    expect(changes()).toBe(1);
    rig.provider("worker-1");
    rig.provider("worker-2");
    expect(changes()).toBe(1);
    rig.pass(200);
    expect(changes()).toBe(2);
    expect(first.received().at(-1)).toMatchObject({ case: "providers", value: { connected: 3 } });
  });
});

describe("a peer that breaks the protocol loses its link and nothing else", () => {
  test.each([
    ["another demand's name", (link: RigProvider) => link.hello({ demand: "other" })],
    ["credit before Hello", (link: RigProvider) => link.credit(1)],
    [
      "more held leases than a Hello may name",
      (link: RigProvider) =>
        link.hello({ held: Array.from({ length: 1_001 }, () => rigLease(1, 1)) }),
    ],
    [
      "a second Hello",
      (link: RigProvider) => {
        link.hello();
        link.hello();
      },
    ],
    [
      "a revision that does not grow",
      (link: RigProvider) => {
        link.hello();
        link.say({ case: "credit", value: { limit: 1n, revision: 0 } });
      },
    ],
    [
      "a verb without a lease",
      (link: RigProvider) => {
        link.hello();
        link.say({ case: "complete", value: { result: new Uint8Array() } });
      },
    ],
    [
      "a Renew of too many leases",
      (link: RigProvider) => {
        link.hello();
        link.renew(Array.from({ length: 1_001 }, () => rigLease(1, 1)));
      },
    ],
  ])("%s", (_what, act) => {
    const rig = new DemandRig();
    const link = rig.open("worker-0");
    act(link);
    const closed = rig.effects.find((effect) => effect.type === "closeLink");
    expect(closed?.link).toBe(link.link);
    expect(closed?.reason).toMatch(/^MALFORMED: /);
    expect(rig.queue.snapshot(rig.nowMs).totals.malformed).toBe(1);
    expect(rig.queue.providers().connected).toBe(0);
  });

  test("a message of a later version is ignored", () => {
    const rig = new DemandRig();
    const link = rig.provider("worker-0");
    expect(link.say({ case: undefined })).toEqual([]);
  });

  test("links are bounded", () => {
    const rig = new DemandRig();
    for (let index = 0; index < 4_096; index++) rig.open(`node-${String(index)}`);
    rig.open("one-more");
    expect(rig.effects).toEqual([expect.objectContaining({ type: "closeLink", link: 4_097 })]);
  });
});
