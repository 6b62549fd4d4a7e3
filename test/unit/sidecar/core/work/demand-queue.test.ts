/** design/work.md: deadline, delay, cancel, drain, dead letters, retention, changed options. */
import { describe, expect, test } from "vitest";
import { resolveDemandOptions } from "../../../../../sidecar/core/work/index.ts";
import { DemandRig, rigContract, sentTo } from "../../../../support/demand-rig.ts";

describe("delay and deadline", () => {
  test("a delayed item is not granted before its time", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add({ delayMs: 1_000 });
    expect(rig.item(sequence)).toMatchObject({ state: "delayed", delayedUntilMs: 2_000 });
    rig.pass(999);
    expect(worker.deliveries()).toHaveLength(0);
    rig.pass(1);
    expect(worker.deliveries()).toHaveLength(1);
  });

  test.each(["ready", "delayed"])("an item that is %s at its deadline expires", (state) => {
    const rig = new DemandRig();
    const sequence = rig.add({ deadlineMs: 500, ...(state === "delayed" && { delayMs: 9_000 }) });
    expect(rig.item(sequence).state).toBe(state);
    rig.pass(500);
    expect(rig.item(sequence)).toMatchObject({
      state: "expired",
      outcome: { kind: "system", system: { code: "DEADLINE_EXCEEDED" } },
    });
  });

  test("the provider is told what remains, and to stop at the deadline", () => {
    const rig = new DemandRig();
    const sequence = rig.add({ deadlineMs: 500 });
    rig.pass(200);
    const worker = rig.provider("worker-0", 1);
    expect(worker.deliveries()[0]?.deadlineMs).toBe(300);
    rig.pass(300);
    expect(rig.item(sequence).state).toBe("expired");
    expect(worker.received().at(-1)).toMatchObject({ case: "cancel" });
  });

  test("a result that comes at the deadline is too late", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add({ deadlineMs: 500 });
    rig.nowMs += 500;
    worker.complete();
    expect(rig.item(sequence).state).toBe("expired");
  });
});

describe("cancel", () => {
  test("is pushed to the provider that holds the item", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    expect(rig.cancel(sequence)).toMatchObject({ kind: "cancelled", state: "cancelled" });
    expect(worker.received().at(-1)).toMatchObject({
      case: "cancel",
      value: { lease: { sequence: BigInt(sequence), delivery: 1 } },
    });
  });

  test("is idempotent, and one outcome is given", () => {
    const rig = new DemandRig();
    const sequence = rig.add();
    rig.cancel(sequence);
    expect(rig.cancel(sequence)).toMatchObject({ kind: "cancelled" });
    expect(rig.effects.filter(({ type }) => type === "outcome")).toHaveLength(1);
  });

  test("of an item with another outcome is refused", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.complete();
    expect(rig.cancel(sequence)).toMatchObject({
      kind: "refused",
      refusal: { code: "ALREADY_ENDED", value: "done" },
    });
    expect(rig.item(sequence).state).toBe("done");
  });

  test("of what is no longer kept says so", () => {
    expect(new DemandRig().cancel(1)).toMatchObject({ refusal: { code: "OUTCOME_DROPPED" } });
  });
});

describe("dead letters and outcomes", () => {
  function endAll(rig: DemandRig, count: number, verb: "complete" | "reject"): void {
    const worker = rig.provider("worker-0", count);
    for (let index = 0; index < count; index++) {
      rig.add();
      worker[verb]();
    }
    rig.pass(1);
  }

  test("dead letters are visible and bounded; the oldest go first and are counted", () => {
    const rig = new DemandRig({ deadLetter: { maxItems: 2 } });
    endAll(rig, 5, "reject");
    expect(rig.queue.list({ limit: 10, state: "dead" }).items.map((item) => item.sequence)).toEqual(
      [4, 5],
    );
    expect(rig.queue.snapshot(rig.nowMs)).toMatchObject({
      counts: { dead: 2 },
      totals: { deadLettersDropped: 3 },
    });
  });

  test("outcomes are bounded by count", () => {
    const rig = new DemandRig({ retention: { maxItems: 3 } });
    endAll(rig, 5, "complete");
    expect(rig.queue.outcomes(0, 10).map((entry) => entry.number)).toEqual([3, 4, 5]);
    expect(rig.queue.snapshot(rig.nowMs).totals.outcomesDropped).toBe(2);
  });

  test("outcomes are bounded by bytes", () => {
    const rig = new DemandRig({ retention: { maxBytes: 2_000 } });
    endAll(rig, 5, "complete");
    expect(rig.queue.outcomes(0, 10)).toHaveLength(3);
  });

  test("outcomes go when they come of age", () => {
    const rig = new DemandRig({ retention: { maxAgeMs: 1_000 }, deadLetter: { maxAgeMs: 2_000 } });
    endAll(rig, 1, "complete");
    rig.add();
    rig.provider("worker-1", 1).reject();
    rig.pass(1_000);
    expect(rig.queue.item(1)).toBeUndefined();
    expect(rig.queue.item(2)?.state).toBe("dead");
    rig.pass(1_000);
    expect(rig.queue.item(2)).toBeUndefined();
    expect(rig.queue.nextDeadlineMs()).toBe(Infinity);
  });

  test("an outcome can be read in the turn that gave it, however tight the bounds", () => {
    const rig = new DemandRig({ retention: { maxItems: 0 } });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.complete();
    expect(rig.item(sequence).outcome?.kind).toBe("result");
    rig.pass(0);
    expect(rig.queue.item(sequence)).toBeUndefined();
  });

  test("a reader who comes late gets the outcomes it missed, in order, of both lists", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 9);
    for (const verb of ["complete", "reject", "complete"] as const) {
      rig.add();
      worker[verb]();
    }
    expect(rig.queue.outcomes(1, 10).map(({ number, item }) => [number, item.state])).toEqual([
      [2, "dead"],
      [3, "done"],
    ]);
    expect(rig.queue.lastOutcome()).toBe(3);
  });

  test("redrive keeps the id, resets the counters and starts run 2 with an outcome of its own", () => {
    const rig = new DemandRig({ retry: { maxAttempts: 1 } });
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.fail();
    expect(rig.redrive(sequence)).toMatchObject({ kind: "redriven", state: "ready" });
    expect(rig.item(sequence)).toMatchObject({ failed: 0, acquired: 0 });
    expect(rig.queue.snapshot(rig.nowMs).counts).toMatchObject({ dead: 0, ready: 1 });
    worker.credit(1);
    worker.complete();
    expect(rig.item(sequence).outcome).toMatchObject({ run: 2, kind: "result" });
    expect(rig.queue.outcomes(0, 10).map((entry) => entry.number)).toEqual([2]);
  });

  test("only a dead item is driven again", () => {
    const rig = new DemandRig();
    expect(rig.redrive(rig.add())).toMatchObject({ refusal: { code: "INVALID_ARGUMENT" } });
  });
});

describe("lists", () => {
  test("are paged", () => {
    const rig = new DemandRig();
    for (let index = 0; index < 5; index++) rig.add();
    const first = rig.queue.list({ limit: 2 });
    expect(first).toMatchObject({ items: [{ sequence: 1 }, { sequence: 2 }], next: 2 });
    const last = rig.queue.list({ limit: 3, after: 2 });
    expect(last.items.map((item) => item.sequence)).toEqual([3, 4, 5]);
    expect(last.next).toBeUndefined();
  });
});

describe("drain", () => {
  test("nothing is accepted any more, what was accepted is worked off, and then it is said", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    rig.add();
    rig.add();
    expect(rig.handle({ type: "drain" }).some(({ type }) => type === "drained")).toBe(false);
    expect(rig.tryAdd()).toMatchObject({ kind: "refused", refusal: { code: "DRAINING" } });
    worker.complete();
    worker.credit(1);
    const from = rig.effects.length;
    worker.complete();
    expect(rig.effects.slice(from).map(({ type }) => type)).toContain("drained");
  });

  test("nobody new is let in, but who holds a lease may settle it", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    const lease = worker.lease();
    worker.lost();
    rig.handle({ type: "drain" });
    const back = rig.open("worker-0");
    expect(back.hello({ held: [lease] })).toMatchObject({ case: "draining" });
    back.complete(lease);
    expect(rig.item(sequence).state).toBe("done");
  });

  test("an idle queue is drained at once", () => {
    expect(new DemandRig().handle({ type: "drain" })).toContainEqual({ type: "drained" });
  });

  test("close ends every pending item with the reason, and every link", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequences = [rig.add(), rig.add(), rig.add({ delayMs: 9_000 })];
    rig.handle({ type: "close", code: "DEMAND_REMOVED", reason: "the Demand was deleted" });
    for (const sequence of sequences) {
      expect(rig.item(sequence).outcome).toMatchObject({ system: { code: "DEMAND_REMOVED" } });
    }
    const said = worker.received().map(({ case: name }) => name);
    expect(said.slice(-2)).toEqual(["cancel", "draining"]);
    expect(rig.queue.providers().connected).toBe(0);
  });
});

describe("pause", () => {
  test("grants nothing until resume", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    rig.handle({ type: "pause" });
    const sequence = rig.add();
    expect(rig.queue.explain(sequence, rig.nowMs)?.reasons[0]).toEqual({ code: "PAUSED" });
    expect(worker.deliveries()).toHaveLength(0);
    rig.handle({ type: "resume" });
    expect(worker.deliveries()).toHaveLength(1);
  });
});

describe("changed options of a running queue", () => {
  test("a lower maxProviders takes admission from the surplus, which may still settle", () => {
    const rig = new DemandRig({ maxProviders: 2 });
    const first = rig.provider("worker-0", 1);
    const second = rig.provider("worker-1", 1);
    const sequences = [rig.add(), rig.add()];
    const options = resolveDemandOptions({ maxProviders: 1 });
    rig.handle({ type: "configure", contract: rigContract, options });
    expect(rig.queue.providers()).toMatchObject({ max: 1, connected: 1 });
    first.complete();
    second.complete();
    for (const sequence of sequences) expect(rig.item(sequence).state).toBe("done");
  });

  test("another contract makes every link introduce itself again", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const contract = { ...rigContract, contractHash: new Uint8Array(32).fill(2) };
    const effects = rig.handle({
      type: "configure",
      contract,
      options: resolveDemandOptions(),
    });
    expect(sentTo(effects, worker.link)[0]).toMatchObject({ case: "incompatible" });
    expect(rig.open("worker-0").hello({ contract })).toMatchObject({ case: "admit" });
  });
});

describe("views", () => {
  test("counts, oldest ready, deficit and providers", () => {
    const rig = new DemandRig({ desiredProviders: 3 });
    const worker = rig.provider("worker-0", 2);
    rig.handle({ type: "rtt", nodeId: "worker-0", rttMs: 0.4 });
    for (let index = 0; index < 5; index++) rig.add();
    worker.complete();
    rig.add({ delayMs: 100 });
    rig.pass(50);
    expect(rig.queue.snapshot(rig.nowMs)).toMatchObject({
      counts: { ready: 3, leased: 1, delayed: 1, done: 1 },
      pendingItems: 5,
      pendingBytes: 5,
      oldestReadyMs: 50,
      deficit: 2,
      providers: [{ nodeId: "worker-0", capability: "resize", rttMs: 0.4, leased: 1, credit: 0 }],
    });
    expect(rig.queue.peers()).toEqual(["worker-0"]);
  });
});

test("extra calls of advance are harmless", () => {
  const rig = new DemandRig();
  rig.provider("worker-0", 1);
  rig.add();
  rig.pass(1_000);
  expect(rig.queue.advance(rig.nowMs)).toEqual([]);
  expect(rig.queue.advance(rig.nowMs)).toEqual([]);
});
