/** design/work.md: "Backpressure to the producer", "Idempotency key"; bounds of what is added. */
import { describe, expect, test } from "vitest";
import { resolveTicket } from "../../../../../sidecar/core/work/index.ts";
import { DemandRig, RigSequences } from "../../../../support/demand-rig.ts";

describe("a full queue", () => {
  test("refuses with QUEUE_FULL, the value, the bound and when to try again", () => {
    const rig = new DemandRig({ queue: { maxItems: 2 } });
    rig.add();
    rig.add();
    expect(rig.tryAdd()).toMatchObject({
      kind: "refused",
      refusal: { code: "QUEUE_FULL", bound: 2, value: 2, retryAfterMs: 1_000 },
    });
    expect(rig.queue.snapshot(rig.nowMs)).toMatchObject({
      pendingItems: 2,
      totals: { refused: 1 },
    });
  });

  test("is bounded by bytes too", () => {
    const rig = new DemandRig({ queue: { maxBytes: 100 } });
    rig.add({}, new Uint8Array(60));
    expect(rig.tryAdd({}, new Uint8Array(41))).toMatchObject({ refusal: { code: "QUEUE_FULL" } });
    rig.add({}, new Uint8Array(40));
  });

  test("counts what is leased and delayed, not what has ended", () => {
    const rig = new DemandRig({ queue: { maxItems: 2 } });
    const worker = rig.provider("worker-0", 1);
    rig.add();
    rig.add({ delayMs: 1_000 });
    expect(rig.tryAdd()?.kind).toBe("refused");
    worker.complete();
    expect(rig.tryAdd()?.kind).toBe("added");
  });

  test("holds the caller with overflow wait, first come, first served", () => {
    const rig = new DemandRig({ queue: { maxItems: 1, overflow: "wait" } });
    const first = rig.add();
    expect(rig.tryAdd()).toBeUndefined();
    const waiting = rig.lastCall;
    expect(rig.tryAdd()).toBeUndefined();
    rig.cancel(first);
    const replies = rig.effects.filter(
      (effect) => effect.type === "reply" && effect.reply.kind === "added",
    );
    expect(replies).toHaveLength(2);
    expect(replies.at(-1)).toMatchObject({ call: waiting, reply: { sequence: 2 } });
    expect(rig.queue.snapshot(rig.nowMs).waiters).toBe(1);
  });

  test("forgets a caller that went away", () => {
    const rig = new DemandRig({ queue: { maxItems: 1, overflow: "wait" } });
    const first = rig.add();
    rig.tryAdd();
    rig.handle({ type: "addCancelled", call: rig.lastCall });
    rig.cancel(first);
    expect(rig.queue.snapshot(rig.nowMs)).toMatchObject({ pendingItems: 0, waiters: 0 });
  });

  test("bounds those who wait, by count and by bytes", () => {
    const rig = new DemandRig({
      queue: { maxItems: 1, overflow: "wait", maxWaiters: 2, maxWaitingBytes: 100 },
    });
    rig.add();
    expect(rig.tryAdd({}, new Uint8Array(60))).toBeUndefined();
    expect(rig.tryAdd({}, new Uint8Array(60))).toMatchObject({
      refusal: { code: "TOO_MANY_WAITERS" },
    });
    expect(rig.tryAdd()).toBeUndefined();
    expect(rig.tryAdd()).toMatchObject({ refusal: { code: "TOO_MANY_WAITERS", bound: 2 } });
  });

  test("those who wait are refused when the demand drains", () => {
    const rig = new DemandRig({ queue: { maxItems: 1, overflow: "wait" } });
    rig.add();
    rig.tryAdd();
    const effects = rig.handle({ type: "drain" });
    expect(effects).toContainEqual(
      expect.objectContaining({
        type: "reply",
        call: rig.lastCall,
        reply: expect.objectContaining({ kind: "refused" }),
      }),
    );
  });
});

describe("idempotency key", () => {
  test("the same key gives the same ticket, and later the same outcome", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const first = rig.tryAdd({ idempotencyKey: "k" });
    expect(rig.tryAdd({ idempotencyKey: "k" })).toEqual({
      ...first,
      created: false,
      state: "leased",
    });
    worker.complete();
    expect(rig.tryAdd({ idempotencyKey: "k" })).toMatchObject({ state: "done", created: false });
    expect(rig.queue.snapshot(rig.nowMs).totals.added).toBe(1);
  });

  test("the same key with another payload is a conflict", () => {
    const rig = new DemandRig();
    rig.add({ idempotencyKey: "k" }, new Uint8Array([1, 2]));
    expect(rig.tryAdd({ idempotencyKey: "k" }, new Uint8Array([1, 3]))).toMatchObject({
      refusal: { code: "IDEMPOTENCY_CONFLICT" },
    });
  });

  test("the key is free again once the outcome is no longer kept", () => {
    const rig = new DemandRig({ retention: { maxItems: 0 } });
    const first = rig.add({ idempotencyKey: "k" });
    rig.cancel(first);
    rig.pass(0);
    expect(rig.add({ idempotencyKey: "k" })).toBe(2);
  });

  test("a copy is answered although the queue is full", () => {
    const rig = new DemandRig({ queue: { maxItems: 1 } });
    rig.add({ idempotencyKey: "k" });
    expect(rig.tryAdd({ idempotencyKey: "k" })).toMatchObject({ kind: "added", created: false });
  });
});

describe("what is refused whatever room there is", () => {
  test.each([
    [{ priority: 10 }, "priority is 10"],
    [{ priority: 1.5 }, "priority is 1.5"],
    [{ delayMs: -1 }, "delay is -1"],
    [{ deadlineMs: 0 }, "deadline is 0"],
    [{ deadlineMs: 8 * 86_400_000 }, "deadline is 691200000"],
    [{ idempotencyKey: "" }, "idempotencyKey has 0 characters"],
    [{ orderingKey: "x".repeat(257) }, "orderingKey has 257 characters"],
    [{ fairnessKey: "tenant" }, "Fairness keys are not built yet"],
  ])("%o", (options, says) => {
    const reply = new DemandRig().tryAdd(options);
    if (reply?.kind !== "refused") throw new Error("not refused");
    expect(reply.refusal.code).toBe("INVALID_ARGUMENT");
    expect(reply.refusal.detail).toContain(says);
  });

  test("a request above the bound names both sizes", () => {
    const rig = new DemandRig({ queue: { maxPayloadBytes: 10 } });
    expect(rig.tryAdd({}, new Uint8Array(11))).toMatchObject({
      refusal: { code: "PAYLOAD_TOO_LARGE", bound: 10, value: 11 },
    });
  });
});

test("a ticket names node, incarnation and sequence", () => {
  const rig = new DemandRig();
  const reply = rig.tryAdd();
  if (reply?.kind !== "added") throw new Error("not added");
  const sequences = new RigSequences();
  sequences.last = 1;
  expect(resolveTicket(reply.ticket, { nodeId: "web-0", incarnation: 7 }, sequences)).toEqual({
    ok: true,
    value: 1,
  });
});
