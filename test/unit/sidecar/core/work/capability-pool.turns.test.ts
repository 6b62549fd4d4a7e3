/** A pool that takes many inputs in one turn: what follows from them is decided and said once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Lease, SettledStatus } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { CapabilityEffect, WorkVerb } from "../../../../../sidecar/core/work/index.ts";
import { CapabilityRig, type RigDemand } from "../../../../support/capability-rig.ts";

/** What was said to each link in a turn: the message, and how many leases it names. */
function saidTo(effects: readonly CapabilityEffect[], { link }: RigDemand): string[] {
  return effects.flatMap((effect) => {
    if (effect.type !== "send" || effect.link !== link) return [];
    const { kind } = effect.message;
    return kind.case === "started"
      ? [`started ${String(kind.value.leases.length)}`]
      : [kind.case ?? ""];
  });
}

/** A pool of so many slots at two demands, with a pull for all of them. */
function twoDemands(concurrency: number) {
  const rig = new CapabilityRig({ concurrency, parkMs: 10_000 });
  const demands = [rig.join("web-0"), rig.join("web-1")] as const;
  const call = rig.pull(concurrency, 60_000);
  return { rig, demands, call };
}

describe("a turn of many inputs", () => {
  test("gives one Started to each link, before the reply", () => {
    const { rig, demands, call } = twoDemands(4);
    const [left, right] = demands;
    const effects = rig.turn(() => {
      left.deliver(1, 2);
      right.deliver(1);
      right.deliver(2);
    });
    expect(saidTo(effects, left)).toEqual(["started 2"]);
    expect(saidTo(effects, right)).toEqual(["started 2"]);
    expect(rig.pulled(call)).toHaveLength(4);
    const reply = effects.findIndex(({ type }) => type === "reply");
    const lastSend = effects.findLastIndex(
      (effect) => effect.type === "send" && effect.message.kind.case === "started",
    );
    expect(lastSend).toBeLessThan(reply);
  });

  test("answers each of its pulls, with one Started for them all", () => {
    const rig = new CapabilityRig({ concurrency: 3 });
    const demand = rig.join("web-0");
    const calls = [rig.pull(1), rig.pull(1), rig.pull(1)];
    const effects = rig.turn(() => {
      demand.deliver(1);
      demand.deliver(2);
      demand.deliver(3);
    });
    expect(saidTo(effects, demand).filter((name) => name.startsWith("started"))).toEqual([
      "started 3",
    ]);
    expect(calls.map((call) => rig.pulled(call).length)).toEqual([1, 1, 1]);
  });

  test("gives one credit to each link for all slots that became free", () => {
    const { rig, demands, call } = twoDemands(4);
    const [left] = demands;
    left.deliver(1, 2);
    const [first, second] = rig.pulled(call);
    const effects = rig.turn(() => {
      for (const lease of [first?.lease ?? "", second?.lease ?? ""]) {
        rig.verb(lease, { verb: "complete", result: new Uint8Array() });
      }
      rig.pull(4, 60_000);
    });
    expect(saidTo(effects, left)).toEqual(["complete", "complete", "credit"]);
  });

  test("takes the answers to many verbs in one message", () => {
    const { rig, demands, call } = twoDemands(4);
    const [left] = demands;
    left.deliver(1, 2);
    const calls = rig
      .pulled(call)
      .map(({ lease }) => rig.verb(lease, { verb: "complete", result: new Uint8Array() }));
    const leases = [1n, 2n].map((sequence) => ({ sequence, delivery: 1 }));
    left.say({
      case: "settled",
      value: { leases, status: SettledStatus.ACCEPTED, state: "done" },
    });
    expect(calls.map((each) => rig.reply(each))).toEqual([
      { kind: "settled", state: "done", cancelled: false },
      { kind: "settled", state: "done", cancelled: false },
    ]);
    expect(rig.snapshot()).toMatchObject({ running: 0, unsettled: 0 });
  });

  test("says nothing over a link that it closed meanwhile", () => {
    const { rig, demands, call } = twoDemands(4);
    const [left] = demands;
    left.deliver(1);
    const [item] = rig.pulled(call);
    const effects = rig.turn(() => {
      rig.verb(item?.lease ?? "", { verb: "complete", result: new Uint8Array() });
      rig.handle({ type: "close", reason: "the grace is over" });
    });
    expect(saidTo(effects, left)).toEqual(["complete", "leave"]);
    const closed = effects.findIndex(
      (effect) => effect.type === "closeLink" && effect.link === left.link,
    );
    const said = effects.findLastIndex(
      (effect) => effect.type === "send" && effect.link === left.link,
    );
    expect(said).toBeLessThan(closed);
  });
});

/** A step of the property below; numbers choose among what there is. */
type Step = readonly [what: string, which: number, how: number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom("verb", "heartbeat", "accepted", "stale", "cancel", "lost", "gone"),
    fc.nat(7),
    fc.nat(3),
  ),
  { maxLength: 30 },
);

/** Where turns end: after which steps. */
const ends = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });

describe("however inputs fall into turns", () => {
  test("leases, answers and what demands hear is the same while no slot is asked for", () => {
    fc.assert(
      fc.property(steps, ends, (script, endsTurn) => {
        const oneByOne = playFull(script, () => true);
        const inTurns = playFull(script, (index) => endsTurn[index] === true);
        expect(inTurns).toEqual(oneByOne);
      }),
      { numRuns: 300 },
    );
  });
});

/**
 * Plays a script on eight running leases of two demands, half of them pulled with a presence, while
 * nobody pulls: credit depends on what is free at the end of a turn, all else must not.
 */
function playFull(script: readonly Step[], endsTurn: (index: number) => boolean): unknown {
  const rig = new CapabilityRig({ concurrency: 8 });
  rig.handle({ type: "presenceOpened", presence: "app" });
  const demands = [rig.join("web-0"), rig.join("web-1")];
  const calls = [rig.pull(4, 60_000), rig.pull(4, 60_000, "app")];
  for (const demand of demands) demand.deliver(1, 2, 3, 4);
  const leases = calls.flatMap((call) => rig.pulled(call).map(({ lease }) => lease));
  const setUp = rig.effects.length;
  for (let start = 0; start < script.length; ) {
    let end = start;
    while (end < script.length - 1 && !endsTurn(end)) end += 1;
    rig.turn(() => {
      for (const step of script.slice(start, end + 1)) playStep({ rig, demands, leases }, step);
    });
    start = end + 1;
  }
  const effects = rig.effects.slice(setUp).filter(({ type }) => type !== "want");
  const { running, unsettled } = rig.snapshot();
  return { effects, running, unsettled, known: leases.filter((lease) => rig.pool.holds(lease)) };
}

const verbs: readonly WorkVerb[] = [
  { verb: "complete", result: new Uint8Array([1]) },
  { verb: "release", reason: "not now" },
  { verb: "fail", error: { code: "BAD", message: "no", retryable: true, details: "" } },
  { verb: "reject", error: { code: "BAD", message: "no", retryable: false, details: "" } },
];

function playStep(
  played: {
    readonly rig: CapabilityRig;
    readonly demands: readonly RigDemand[];
    readonly leases: readonly string[];
  },
  [what, which, how]: Step,
): void {
  const { rig, demands, leases } = played;
  const demand = demands[which < 4 ? 0 : 1];
  const verb = verbs[how];
  const wire: Partial<Lease> = { sequence: BigInt((which % 4) + 1), delivery: 1 };
  const sequence = Number(wire.sequence);
  if (demand === undefined || verb === undefined) return;
  if (what === "verb") rig.verb(leases[which] ?? "", verb);
  else if (what === "heartbeat") rig.verb(leases[which] ?? "", { verb: "heartbeat" });
  else if (what === "accepted") demand.settled(sequence);
  else if (what === "stale") demand.settled(sequence, "ready", SettledStatus.STALE_LEASE);
  else if (what === "cancel") demand.cancel(sequence);
  else if (what === "lost") rig.handle({ type: "linkLost", link: demand.link });
  else rig.handle({ type: "presenceClosed", presence: "app" });
}
