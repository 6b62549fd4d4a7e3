/** design/work.md, "Item states": the lease, the four verbs, the table "how a lease ends". */
import { describe, expect, test } from "vitest";
import { SettledStatus } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { DemandRig, rigLease, sentTo } from "../../../../support/demand-rig.ts";

const { ACCEPTED, STALE_LEASE, INVALID_RESULT, LEASE_LOST } = SettledStatus;

/** A queue with one item that is leased by one provider, started or not. */
function leased(
  started: boolean,
  options: ConstructorParameters<typeof DemandRig>[0] = {},
): { rig: DemandRig; worker: ReturnType<DemandRig["provider"]>; sequence: number } {
  const rig = new DemandRig({ lease: { durationMs: 15_000 }, ...options });
  const worker = rig.provider("worker-0", 1);
  const sequence = rig.add();
  if (started) worker.started();
  return { rig, worker, sequence };
}

describe("how a lease ends, and whether it counts as a failed attempt", () => {
  test("fail counts", () => {
    const { rig, worker, sequence } = leased(true);
    expect(worker.fail()).toEqual({ status: ACCEPTED, state: "delayed" });
    expect(rig.item(sequence).failed).toBe(1);
  });

  test("reject counts and is terminal", () => {
    const { rig, worker, sequence } = leased(true);
    expect(worker.reject()).toEqual({ status: ACCEPTED, state: "dead" });
    expect(rig.item(sequence)).toMatchObject({
      failed: 1,
      state: "dead",
      outcome: { run: 1, kind: "error", error: { code: "BAD", retryable: false } },
    });
  });

  test("maxRuntime passed counts, however often the lease was renewed", () => {
    const { rig, worker, sequence } = leased(true, { lease: { maxRuntimeMs: 20_000 } });
    for (let elapsed = 0; elapsed < 19_000; elapsed += 5_000) {
      rig.pass(4_900);
      worker.renew();
    }
    expect(rig.item(sequence).failed).toBe(0);
    rig.pass(400);
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", failed: 1 });
  });

  test("maxRuntime counts from STARTED, not from the grant", () => {
    const { rig, worker, sequence } = leased(false, { lease: { maxRuntimeMs: 10_000 } });
    rig.pass(9_000);
    worker.started();
    rig.pass(5_000);
    worker.renew();
    rig.pass(4_900);
    expect(rig.item(sequence).state).toBe("leased");
    rig.pass(200);
    expect(rig.item(sequence)).toMatchObject({ state: "ready", failed: 1 });
  });

  test("progressTimeout passed counts; renewal alone is no progress", () => {
    const { rig, worker, sequence } = leased(true, { lease: { progressTimeoutMs: 8_000 } });
    rig.pass(5_000);
    worker.renew(undefined, true);
    rig.pass(5_000);
    worker.renew();
    expect(rig.item(sequence).state).toBe("leased");
    rig.pass(2_999);
    expect(rig.item(sequence).state).toBe("leased");
    rig.pass(1);
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", failed: 1 });
  });

  test("expiry after the start counts", () => {
    const { rig, sequence } = leased(true);
    rig.pass(15_000);
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", failed: 1 });
  });

  test("never started does not count, and the item is ready at once", () => {
    const { rig, sequence } = leased(false);
    rig.pass(15_000);
    expect(rig.item(sequence)).toMatchObject({ state: "ready", failed: 0, acquired: 1 });
  });

  test("HELLO of the same node with a newer incarnation ends all its older leases at once", () => {
    const { rig, sequence } = leased(true);
    const second = rig.add();
    rig.provider("worker-0", 0, 2);
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", failed: 1 });
    expect(rig.item(second).failed).toBe(0);
  });

  test("release does not count", () => {
    const { rig, worker, sequence } = leased(true);
    expect(worker.release()).toEqual({ status: ACCEPTED, state: "ready" });
    expect(rig.item(sequence)).toMatchObject({ failed: 0, acquired: 1 });
  });

  test("transport lost, same incarnation back within the lease: the lease is kept", () => {
    const { rig, worker, sequence } = leased(true);
    const lease = worker.lease();
    worker.lost();
    rig.pass(10_000);
    const back = rig.open("worker-0");
    const answer = back.hello({ held: [lease] });
    expect(answer).toMatchObject({
      case: "admit",
      value: { kept: [{ sequence: 1n, delivery: 1 }] },
    });
    rig.pass(10_000);
    expect(rig.item(sequence)).toMatchObject({ state: "leased", failed: 0, acquired: 1 });
    expect(back.complete(lease)).toEqual({ status: ACCEPTED, state: "done" });
  });

  test("a lease that the returning provider does not name was never received, and ends", () => {
    const { rig, worker, sequence } = leased(false);
    worker.lost();
    rig.open("worker-0").hello();
    expect(rig.item(sequence)).toMatchObject({ state: "ready", failed: 0 });
  });

  test("leases of an earlier start of the demand's node are not kept", () => {
    const { rig, worker, sequence } = leased(false);
    const lease = worker.lease();
    worker.lost();
    const answer = rig.open("worker-0").hello({ held: [lease], heldOfIncarnation: 6 });
    expect(answer).toMatchObject({ case: "admit", value: { kept: [] } });
    expect(rig.item(sequence).state).toBe("ready");
  });

  test("a clean goodbye ends what the provider holds at once", () => {
    const { rig, worker, sequence } = leased(true);
    worker.lost(true);
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", failed: 1 });
  });
});

describe("a stale token changes nothing", () => {
  test.each(["complete", "fail", "reject", "release"] as const)(
    "%s by who never held it",
    (verb) => {
      const { rig, worker, sequence } = leased(true);
      const other = rig.provider("worker-1");
      expect(other[verb](worker.lease()).status).toBe(STALE_LEASE);
      expect(rig.item(sequence)).toMatchObject({ state: "leased", failed: 0 });
    },
  );

  test.each(["complete", "fail", "reject", "release"] as const)(
    "%s of an older delivery",
    (verb) => {
      const { rig, worker, sequence } = leased(false);
      const old = worker.lease();
      rig.pass(15_000);
      rig.provider("worker-1", 1);
      expect(rig.item(sequence).state).toBe("leased");
      expect(worker[verb](old).status).toBe(STALE_LEASE);
      expect(rig.item(sequence)).toMatchObject({ state: "leased", failed: 0, acquired: 2 });
    },
  );

  test("fail, reject and release of an expired lease are stale even while the item waits", () => {
    const { rig, worker, sequence } = leased(true);
    rig.pass(15_000);
    for (const verb of ["fail", "reject", "release"] as const) {
      expect(worker[verb]()).toEqual({ status: STALE_LEASE, state: "delayed" });
    }
    expect(rig.item(sequence).failed).toBe(1);
  });

  test("a verb on a lease that never was", () => {
    const { worker } = leased(true);
    expect(worker.complete(rigLease(99, 1))).toEqual({ status: STALE_LEASE, state: "" });
  });

  test("renewing a lease that is gone is answered", () => {
    const { rig, worker } = leased(true);
    rig.pass(15_000);
    const [answer] = sentTo(worker.renew(), worker.link);
    expect(answer).toMatchObject({ case: "settled", value: { status: LEASE_LOST } });
  });
});

describe("late results", () => {
  test.each([
    { started: false, state: "ready" },
    { started: true, state: "delayed" },
  ])("complete is accepted while the item is $state", ({ started, state }) => {
    const { rig, worker, sequence } = leased(started);
    rig.pass(15_000);
    expect(rig.item(sequence).state).toBe(state);
    expect(worker.complete()).toEqual({ status: ACCEPTED, state: "done" });
    expect(rig.item(sequence).outcome?.kind).toBe("result");
  });

  test("complete is accepted from a provider that was away so long that it was forgotten", () => {
    const { rig, worker } = leased(true);
    const lease = worker.lease();
    worker.lost();
    rig.pass(15_000);
    const back = rig.open("worker-0");
    back.hello({ held: [lease] });
    expect(back.complete(lease).status).toBe(ACCEPTED);
  });

  test("complete is stale in a terminal state", () => {
    const { rig, worker, sequence } = leased(true);
    rig.cancel(sequence);
    expect(worker.complete()).toEqual({ status: STALE_LEASE, state: "cancelled" });
    expect(rig.item(sequence).outcome?.kind).toBe("system");
  });
});

describe("each verb is idempotent", () => {
  test.each(["complete", "fail", "reject", "release"] as const)("%s twice", (verb) => {
    const { rig, worker, sequence } = leased(true);
    const lease = worker.lease();
    const first = worker[verb](lease);
    const before = rig.item(sequence);
    expect(worker[verb](lease)).toEqual({ status: ACCEPTED, state: first.state });
    expect(rig.item(sequence)).toEqual(before);
  });

  test("a copy of fail is confirmed although the item was granted again", () => {
    const { rig, worker, sequence } = leased(true);
    const lease = worker.lease();
    worker.fail(lease, { delayMs: 0 });
    worker.credit(1);
    expect(rig.item(sequence).state).toBe("leased");
    expect(worker.fail(lease)).toEqual({ status: ACCEPTED, state: "leased" });
    expect(rig.item(sequence).failed).toBe(1);
  });

  test("another verb after the first is stale", () => {
    const { worker } = leased(true);
    const lease = worker.lease();
    worker.complete(lease);
    expect(worker.fail(lease)).toEqual({ status: STALE_LEASE, state: "done" });
  });
});

describe("results", () => {
  test("the outcome is recorded before the provider is acknowledged", () => {
    const { rig, worker } = leased(true);
    const from = rig.effects.length;
    worker.complete();
    const types = rig.effects.slice(from).map((effect) => effect.type);
    expect(types.indexOf("outcome")).toBeGreaterThanOrEqual(0);
    expect(types.indexOf("outcome")).toBeLessThan(types.indexOf("send"));
  });

  test("an invalid result is a failed attempt and says so", () => {
    const rig = new DemandRig({}, { results: { check: () => "field width is missing" } });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.started();
    expect(worker.complete()).toEqual({ status: INVALID_RESULT, state: "delayed" });
    expect(rig.item(sequence).failed).toBe(1);
  });

  test("a result above the bound is a failed attempt", () => {
    const rig = new DemandRig({ queue: { maxPayloadBytes: 10 } });
    const worker = rig.provider("worker-0", 1);
    rig.add();
    expect(worker.complete(undefined, new Uint8Array(11)).status).toBe(INVALID_RESULT);
  });
});

describe("two counters", () => {
  test("a poison item that kills its worker still reaches the limit", () => {
    const rig = new DemandRig({ retry: { maxAttempts: 3 } });
    const sequence = rig.add();
    for (let incarnation = 1; incarnation <= 3; incarnation++) {
      const worker = rig.provider("worker-0", 1, incarnation);
      rig.pass(1_000);
      worker.started();
    }
    rig.provider("worker-0", 1, 4);
    expect(rig.item(sequence)).toMatchObject({
      state: "dead",
      acquired: 3,
      failed: 3,
      outcome: { kind: "system", system: { code: "ATTEMPTS_EXHAUSTED" } },
    });
  });

  test("the last error of the application is the outcome when attempts are used up", () => {
    const { rig, worker, sequence } = leased(true, { retry: { maxAttempts: 1 } });
    worker.fail();
    expect(rig.item(sequence)).toMatchObject({
      state: "dead",
      outcome: { kind: "error", error: { code: "BAD" } },
    });
  });

  test("fail with retryable false is terminal", () => {
    const { rig, worker, sequence } = leased(true);
    worker.fail(undefined, { retryable: false });
    expect(rig.item(sequence).state).toBe("dead");
  });
});

describe("backoff", () => {
  test("one policy for fail and expiry: random up to the ceiling that doubles", () => {
    const rig = new DemandRig({ retry: { backoff: { initialMs: 1_000 } } }, { random: 0.999_999 });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.started();
    worker.fail();
    expect(rig.item(sequence).delayedUntilMs).toBe(rig.nowMs + 1_000);
    worker.credit(1);
    rig.pass(1_000);
    worker.started();
    rig.pass(15_000);
    expect(rig.item(sequence).delayedUntilMs).toBe(rig.nowMs + 2_000);
  });

  test("an explicit delay overrides", () => {
    const { rig, worker, sequence } = leased(true);
    worker.fail(undefined, { delayMs: 30_000 });
    rig.pass(29_999);
    expect(rig.item(sequence).state).toBe("delayed");
    rig.pass(1);
    expect(rig.item(sequence).state).toBe("ready");
  });
});

test("expiry is driven by a timer, and the item goes at once to a provider that waits", () => {
  const { rig, sequence } = leased(false);
  const idle = rig.provider("worker-1", 1);
  rig.pass(14_999);
  expect(idle.deliveries()).toHaveLength(0);
  rig.pass(1);
  expect(idle.deliveries().map(({ lease }) => lease)).toMatchObject([
    { sequence: BigInt(sequence), delivery: 2 },
  ]);
});

test("the sidecar's renewal keeps the lease of an application that says nothing for 60 s", () => {
  const { rig, worker, sequence } = leased(true);
  for (let elapsed = 0; elapsed < 60_000; elapsed += 5_000) {
    rig.pass(5_000);
    worker.renew();
  }
  expect(rig.item(sequence)).toMatchObject({ state: "leased", failed: 0 });
});
