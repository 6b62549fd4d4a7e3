/** design/work.md: the four verbs and the heartbeat at the provider. */
import { describe, expect, test } from "vitest";
import { SettledStatus } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { WorkVerb } from "../../../../../sidecar/core/work/index.ts";
import { LeaseTokenWriter } from "../../../../../sidecar/core/work/ticket.ts";
import { CapabilityRig, type RigDemand } from "../../../../support/capability-rig.ts";

const error = { code: "BAD", message: "no", retryable: true, details: "" };
const complete: WorkVerb = { verb: "complete", result: new Uint8Array([1]) };

/** A pool that works on item 1 of web-0. */
function working(options: ConstructorParameters<typeof CapabilityRig>[0] = {}): {
  rig: CapabilityRig;
  demand: RigDemand;
  lease: string;
} {
  const rig = new CapabilityRig(options);
  const demand = rig.join("web-0");
  const call = rig.pull();
  demand.deliver(1);
  return { rig, demand, lease: rig.pulled(call)[0]?.lease ?? "" };
}

describe("a verb", () => {
  test.each([
    [complete, "complete", "done"],
    [{ verb: "fail", error, delayMs: 250 }, "fail", "delayed"],
    [{ verb: "reject", error }, "reject", "dead"],
    [{ verb: "release", reason: "later" }, "release", "ready"],
  ] as const)("is answered once the demand has recorded it: %o", (verb, name, state) => {
    const { rig, demand, lease } = working();
    const call = rig.verb(lease, verb);
    expect(demand.said(name)).toMatchObject([{ lease: { sequence: 1n, delivery: 1 } }]);
    expect(rig.reply(call)).toBeUndefined();
    demand.settled(1, state);
    expect(rig.reply(call)).toEqual({ kind: "settled", state, cancelled: false });
  });

  test("frees the slot at once", () => {
    const { rig, lease } = working();
    expect(rig.snapshot().running).toBe(1);
    rig.verb(lease, complete);
    expect(rig.snapshot()).toMatchObject({ running: 0, unsettled: 1 });
  });

  test("is idempotent while it is under way and after it", () => {
    const { rig, demand, lease } = working();
    const calls = [rig.verb(lease, complete), rig.verb(lease, complete)];
    expect(demand.said("complete")).toHaveLength(1);
    demand.settled(1);
    for (const call of [...calls, rig.verb(lease, complete)]) {
      expect(rig.reply(call)).toEqual({ kind: "settled", state: "done", cancelled: false });
    }
  });

  test("another verb after the first is stale", () => {
    const { rig, demand, lease } = working();
    rig.verb(lease, complete);
    const stale = { kind: "refused", refusal: { code: "STALE_LEASE" } };
    expect(rig.reply(rig.verb(lease, { verb: "reject", error }))).toMatchObject(stale);
    demand.settled(1);
    expect(rig.reply(rig.verb(lease, { verb: "reject", error }))).toMatchObject(stale);
  });

  test("that the demand calls stale is refused", () => {
    const { rig, demand, lease } = working();
    const call = rig.verb(lease, complete);
    demand.settled(1, "leased", SettledStatus.STALE_LEASE);
    expect(rig.reply(call)).toMatchObject({ refusal: { code: "STALE_LEASE", value: "leased" } });
  });

  test("on its way when the lease was lost waits for its own answer: the result may count", () => {
    const { rig, demand, lease } = working();
    const call = rig.verb(lease, complete);
    demand.settled(1, "ready", SettledStatus.LEASE_LOST);
    expect(rig.reply(call)).toBeUndefined();
    demand.settled(1, "done");
    expect(rig.reply(call)).toMatchObject({ kind: "settled", state: "done" });
  });

  test("whose result is invalid is refused as such", () => {
    const { rig, demand, lease } = working();
    const call = rig.verb(lease, complete);
    demand.settled(1, "delayed", SettledStatus.INVALID_RESULT);
    expect(rig.reply(call)).toMatchObject({ refusal: { code: "INVALID_PAYLOAD" } });
  });

  test("with a result above the bound changes nothing", () => {
    const { rig, lease } = working({ maxResultBytes: 10 });
    const call = rig.verb(lease, { verb: "complete", result: new Uint8Array(11) });
    expect(rig.reply(call)).toMatchObject({
      refusal: { code: "PAYLOAD_TOO_LARGE", bound: 10, value: 11 },
    });
    expect(rig.snapshot().running).toBe(1);
  });

  test("is kept and said again after a reconnect", () => {
    const { rig, demand, lease } = working();
    const call = rig.verb(lease, complete);
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 1 });
    const again = rig.lastLink("web-0");
    expect(again.link).not.toBe(demand.link);
    expect(again.said("hello")).toMatchObject([
      { held: [{ sequence: 1n, delivery: 1 }], heldOfIncarnation: 1n },
    ]);
    again.admit();
    expect(again.said("complete")).toHaveLength(1);
    again.settled(1);
    expect(rig.reply(call)).toMatchObject({ kind: "settled", state: "done" });
  });

  test("is given up when the demand cannot be reached for too long", () => {
    const { rig, lease } = working({ verbTimeoutMs: 5_000 });
    const call = rig.verb(lease, complete);
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.pass(5_000);
    expect(rig.reply(call)).toMatchObject({ refusal: { code: "STALE_LEASE" } });
    expect(rig.snapshot().unsettled).toBe(0);
  });

  test("is lost with the queue when the demand's node starts again", () => {
    const { rig, lease } = working();
    const call = rig.verb(lease, complete);
    rig.handle({ type: "sessionDown", nodeId: "web-0" });
    rig.handle({ type: "sessionUp", nodeId: "web-0", incarnation: 2 });
    expect(rig.reply(call)).toMatchObject({ refusal: { code: "STALE_LEASE" } });
  });

  test.each([
    ["no lease at all", "?", "UNKNOWN_LEASE"],
    [
      "a lease of an earlier start",
      new LeaseTokenWriter(2).write("CgV3ZWItMBABGAE", 1) ?? "",
      "STALE_LEASE",
    ],
  ])("on %s is refused", (_what, lease, code) => {
    const { rig } = working();
    expect(rig.reply(rig.verb(lease, complete))).toMatchObject({ refusal: { code } });
  });

  test("calls that wait for one answer are bounded", () => {
    const { rig, lease } = working();
    for (let index = 0; index < 16; index++) rig.verb(lease, complete);
    expect(rig.reply(rig.verb(lease, complete))).toMatchObject({
      refusal: { code: "TOO_MANY_WAITERS", bound: 16 },
    });
  });

  test("verbs that wait for the demand are bounded: no credit beyond 1,000", () => {
    const rig = new CapabilityRig({ concurrency: 1_000 });
    const demand = rig.join("web-0");
    const call = rig.pull(1_000);
    demand.deliver(...Array.from({ length: 1_000 }, (_, index) => index + 1));
    for (const { lease } of rig.pulled(call)) rig.verb(lease, complete);
    rig.pull(1);
    expect(demand.limit()).toBe(1_000);
    demand.settled(1);
    expect(demand.limit()).toBe(1_001);
  });
});

describe("cancel", () => {
  test("aborts the work; a heartbeat says so, a result is stale and frees the slot", () => {
    const { rig, demand, lease } = working();
    const effects = demand.cancel(1);
    expect(effects).toContainEqual({
      type: "leaseEnded",
      lease,
      reason: "CANCELLED",
      detail: "cancelled",
    });
    expect(rig.snapshot().running).toBe(1);
    expect(rig.reply(rig.verb(lease, { verb: "heartbeat" }))).toEqual({
      kind: "settled",
      state: "cancelled",
      cancelled: true,
    });
    expect(rig.reply(rig.verb(lease, complete))).toMatchObject({
      refusal: { code: "STALE_LEASE" },
    });
    expect(rig.snapshot().running).toBe(0);
  });

  test("a slot whose application never answers is free after the lease's duration", () => {
    const { rig, demand } = working();
    demand.cancel(1);
    rig.pass(15_000);
    expect(rig.snapshot().running).toBe(0);
  });

  test("of an item that was not handed out forgets it", () => {
    const rig = new CapabilityRig();
    const demand = rig.join("web-0");
    rig.pull(1, 500);
    rig.pass(500);
    demand.deliver(1);
    demand.cancel(1);
    expect(rig.snapshot().running).toBe(0);
    expect(rig.effects.some(({ type }) => type === "leaseEnded")).toBe(false);
  });
});

describe("heartbeat", () => {
  test("renews the lease and reports progress", () => {
    const { rig, demand, lease } = working();
    rig.pass(10_000);
    expect(rig.reply(rig.verb(lease, { verb: "heartbeat" }))).toMatchObject({ state: "leased" });
    expect(demand.said("renew")).toMatchObject([{ leases: [{ sequence: 1n }], progress: true }]);
    rig.pass(10_000);
    expect(rig.effects.some(({ type }) => type === "leaseEnded")).toBe(false);
  });

  test("without it and without a presence the lease lasts its own duration", () => {
    const { rig, demand, lease } = working();
    rig.pass(15_000);
    expect(demand.said("renew")).toEqual([]);
    expect(rig.effects).toContainEqual(
      expect.objectContaining({ type: "leaseEnded", lease, reason: "LEASE_LOST" }),
    );
  });

  test("a result after that is still passed on: the demand decides", () => {
    const { rig, demand, lease } = working();
    rig.pass(15_000);
    const call = rig.verb(lease, complete);
    demand.settled(1);
    expect(rig.reply(call)).toMatchObject({ kind: "settled", state: "done" });
  });

  test("any other verb after that is stale", () => {
    const { rig, lease } = working();
    rig.pass(15_000);
    expect(rig.reply(rig.verb(lease, { verb: "heartbeat" }))).toMatchObject({ kind: "refused" });
    expect(rig.reply(rig.verb(lease, { verb: "fail", error }))).toMatchObject({ kind: "refused" });
  });
});
