/** design/work.md, `explain`: each reason, when it is told and when it is not. */
import { describe, expect, test } from "vitest";
import { ObstacleKind } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { resolveDemandOptions, type Reason } from "../../../../../sidecar/core/work/index.ts";
import { DemandRig, rigContract } from "../../../../support/demand-rig.ts";

const otherContract = { ...rigContract, contractHash: new Uint8Array(32).fill(2) };

function why(rig: DemandRig, sequence: number): readonly Reason[] {
  const explanation = rig.queue.explain(sequence, rig.nowMs);
  if (explanation === undefined) throw new Error("not known");
  expect(explanation.state).toBe(rig.item(sequence).state);
  return explanation.reasons;
}

function codes(rig: DemandRig, sequence: number): string[] {
  return why(rig, sequence).map(({ code }) => code);
}

describe("a delayed item", () => {
  test("tells what remains, and that it never failed", () => {
    const rig = new DemandRig();
    const sequence = rig.add({ delayMs: 1_000 });
    rig.pass(400);
    expect(why(rig, sequence)).toEqual([{ code: "DELAYED", remainingMs: 600, failed: 0 }]);
  });

  test("tells the backoff after a failed attempt", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    worker.started();
    worker.fail(undefined, { delayMs: 700 });
    expect(why(rig, sequence)).toEqual([{ code: "DELAYED", remainingMs: 700, failed: 1 }]);
  });

  test("tells that it will not be granted either while the demand is paused", () => {
    const rig = new DemandRig({ paused: true });
    expect(codes(rig, rig.add({ delayMs: 1_000 }))).toEqual(["DELAYED", "PAUSED"]);
  });
});

describe("an ordering key", () => {
  test("names the item that it waits for, and nothing of providers", () => {
    const rig = new DemandRig();
    const [first, second] = [rig.add({ orderingKey: "a" }), rig.add({ orderingKey: "a" })];
    const { ticket } = rig.item(first);
    expect(why(rig, second)).toEqual([{ code: "ORDERING_KEY_BLOCKED", ticket, state: "ready" }]);
    expect(codes(rig, first)).toEqual(["NO_PROVIDER"]);
  });
});

describe("what holds for the whole queue", () => {
  test("paused, also while providers have credit", () => {
    const rig = new DemandRig({ paused: true });
    const sequence = rig.add();
    expect(codes(rig, sequence)).toEqual(["PAUSED", "NO_PROVIDER"]);
    rig.provider("worker-0", 1);
    expect(codes(rig, sequence)).toEqual(["PAUSED"]);
  });

  test("draining, with what else holds: who is connected is still granted to", () => {
    const rig = new DemandRig();
    const sequence = rig.add();
    rig.handle({ type: "drain" });
    expect(codes(rig, sequence)).toEqual(["DRAINING", "NO_PROVIDER"]);
  });
});

describe("providers", () => {
  test("without credit are counted with their slots and what they hold", () => {
    const rig = new DemandRig();
    rig.provider("worker-0", 1);
    rig.open("worker-1").hello({ capacity: 2 });
    rig.add();
    expect(why(rig, rig.add())).toEqual([{ code: "NO_CREDIT", connected: 2, slots: 6, leased: 1 }]);
  });

  test("with an obstacle are named, the others counted", () => {
    const rig = new DemandRig();
    const pushing = rig.provider("worker-0");
    rig.provider("worker-1");
    const sequence = rig.add();
    const detail = "application not listening on port 8080";
    const obstacle = { kind: ObstacleKind.NOT_LISTENING, port: 8_080, detail };
    pushing.say({ case: "obstacle", value: obstacle });
    expect(why(rig, sequence)).toEqual([
      { code: "NO_CREDIT", connected: 1, slots: 4, leased: 0 },
      {
        code: "APPLICATION_NOT_LISTENING",
        provider: "worker-0",
        capability: "resize",
        port: 8_080,
        detail,
      },
    ]);
    pushing.say({ case: "obstacle", value: { ...obstacle, kind: ObstacleKind.NOT_READY } });
    expect(codes(rig, sequence)).toEqual(["NO_CREDIT", "APPLICATION_NOT_READY"]);
    pushing.say({ case: "obstacle", value: {} });
    expect(codes(rig, sequence)).toEqual(["NO_CREDIT"]);
  });

  test("say their obstacle again with each link: another one forgets it", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0");
    const sequence = rig.add();
    const value = { kind: ObstacleKind.NOT_LISTENING, port: 80, detail: "x".repeat(4_000) };
    worker.say({ case: "obstacle", value });
    const [reason] = why(rig, sequence);
    expect(reason?.code === "APPLICATION_NOT_LISTENING" && reason.detail).toHaveLength(256);
    rig.provider("worker-0");
    expect(codes(rig, sequence)).toEqual(["NO_CREDIT"]);
  });

  test("an obstacle before Hello breaks the link", () => {
    const rig = new DemandRig();
    rig.open("worker-0").say({ case: "obstacle", value: {} });
    expect(rig.queue.snapshot(rig.nowMs).totals.malformed).toBe(1);
  });
});

describe("a type mismatch", () => {
  test("is told after the provider has left, for three of its periods", () => {
    const rig = new DemandRig();
    const sequence = rig.add();
    const refused = rig.open("worker-0");
    refused.hello({ contract: otherContract });
    refused.say({ case: "leave", value: { reason: "nothing is held any more" } });
    const [none, mismatch] = why(rig, sequence);
    expect(none).toEqual({ code: "NO_PROVIDER" });
    expect(mismatch).toMatchObject({
      code: "TYPE_MISMATCH",
      peer: "worker-0",
      capability: "resize",
      detail: expect.stringMatching(/test\.Request → test\.Response \(0101.*\(0202/),
    });
    rig.pass(89_999);
    expect(codes(rig, sequence)).toEqual(["NO_PROVIDER", "TYPE_MISMATCH"]);
    rig.pass(1);
    expect(codes(rig, sequence)).toEqual(["NO_PROVIDER"]);
  });

  test("is over when the provider comes with the right contract", () => {
    const rig = new DemandRig();
    const sequence = rig.add();
    rig.open("worker-0").hello({ contract: otherContract });
    rig.provider("worker-0");
    expect(codes(rig, sequence)).toEqual(["NO_CREDIT"]);
  });

  test("is over when the demand's own contract changes", () => {
    const rig = new DemandRig();
    const sequence = rig.add();
    rig.open("worker-0").hello({ contract: otherContract });
    const options = resolveDemandOptions();
    rig.handle({ type: "configure", contract: otherContract, options });
    expect(codes(rig, sequence)).toEqual(["NO_PROVIDER"]);
  });

  test("is not told while somebody has credit, and of ten peers at most", () => {
    const rig = new DemandRig({ paused: true });
    const sequence = rig.add();
    for (let n = 0; n < 150; n++) {
      rig.open(`worker-${String(n)}`).hello({ contract: otherContract });
    }
    const peers = why(rig, sequence).flatMap((reason) =>
      reason.code === "TYPE_MISMATCH" ? [reason.peer] : [],
    );
    expect(peers).toEqual(Array.from({ length: 10 }, (_, n) => `worker-${String(140 + n)}`));
    rig.provider("good", 1);
    expect(codes(rig, sequence)).toEqual(["PAUSED"]);
  });
});

describe("a leased item", () => {
  test("names its provider, before and after the start", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    expect(why(rig, sequence)).toEqual([{ code: "LEASED", provider: "worker-0", started: false }]);
    worker.started();
    expect(why(rig, sequence)).toEqual([{ code: "LEASED", provider: "worker-0", started: true }]);
  });

  test("tells how long a lost provider keeps it", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const sequence = rig.add();
    rig.pass(5_000);
    worker.lost();
    expect(why(rig, sequence)).toEqual([
      { code: "PROVIDER_LOST", provider: "worker-0", remainingMs: 10_000 },
    ]);
  });
});

test("an item that is over says how", () => {
  const rig = new DemandRig();
  const worker = rig.provider("worker-0", 3);
  const [done, dead, cancelled] = [rig.add(), rig.add(), rig.add()];
  const [first, second] = worker.deliveries().map(({ lease }) => lease);
  worker.complete(first);
  worker.reject(second);
  rig.cancel(cancelled);
  const code = "ENDED";
  expect(why(rig, done)).toEqual([
    { code, state: "done", word: "result", attempts: 1, detail: "" },
  ]);
  expect(why(rig, dead)).toEqual([
    { code, state: "dead", word: "BAD", attempts: 1, detail: expect.stringMatching(/./) },
  ]);
  expect(why(rig, cancelled)).toEqual([
    { code, state: "cancelled", word: "CANCELLED", attempts: 0, detail: expect.any(String) },
  ]);
});

test("an item that the queue does not know is not explained", () => {
  const rig = new DemandRig();
  expect(rig.queue.explain(99, rig.nowMs)).toBeUndefined();
});
