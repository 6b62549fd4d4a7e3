/** A queue that takes many inputs in one turn: what follows from them is decided and said once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Lease, SettledStatus } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandEffect } from "../../../../../sidecar/core/work/index.ts";
import { DemandRig, type RigProvider, rigLease, sentTo } from "../../../../support/demand-rig.ts";

/** Messages of one kind to a link, by the sequences of the items that they name. */
function settledLists(effects: readonly DemandEffect[], link: number): number[][] {
  return sentTo(effects, link).flatMap((kind) =>
    kind.case === "settled" ? [kind.value.leases.map(({ sequence }) => Number(sequence))] : [],
  );
}

function deliverSizes(effects: readonly DemandEffect[], link: number): number[] {
  return sentTo(effects, link).flatMap((kind) =>
    kind.case === "deliver" ? [kind.value.items.length] : [],
  );
}

/** Two providers with so many items each. */
function twoProviders(each: number) {
  const rig = new DemandRig();
  const [left, right] = [rig.provider("worker-0", each), rig.provider("worker-1", each)];
  rig.turn(() => {
    for (let index = 0; index < 2 * each; index++) addTo(rig);
  });
  return { rig, left, right };
}

/** Adds without looking at the answer, which comes at the end of the turn. */
function addTo(rig: DemandRig, call = 0): void {
  rig.handle({ type: "add", call, request: new Uint8Array([1]), options: {} });
}

function leasesOf(provider: RigProvider): Lease[] {
  return provider.deliveries().flatMap(({ lease }) => (lease === undefined ? [] : [lease]));
}

describe("a turn of many inputs", () => {
  test("gives one Deliver to each link", () => {
    const rig = new DemandRig();
    const workers = [rig.provider("worker-0", 3), rig.provider("worker-1", 2)];
    const effects = rig.turn(() => {
      for (let index = 0; index < 6; index++) addTo(rig);
    });
    expect(workers.map(({ link }) => deliverSizes(effects, link))).toEqual([[3], [2]]);
  });

  test("counts all credit that came in it", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    const effects = rig.turn(() => {
      for (let index = 0; index < 6; index++) addTo(rig);
      worker.credit(3);
      worker.credit(-2);
    });
    expect(deliverSizes(effects, worker.link)).toEqual([2]);
  });

  test("gives one Settled to each link for what came to the same", () => {
    const { rig, left, right } = twoProviders(3);
    const effects = rig.turn(() => {
      for (let index = 0; index < 3; index++) {
        left.complete(leasesOf(left)[index]);
        right.reject(leasesOf(right)[index]);
      }
    });
    expect(settledLists(effects, left.link)).toEqual([[1, 3, 5]]);
    expect(settledLists(effects, right.link)).toEqual([[2, 4, 6]]);
  });

  test("gives words on one lease in the order of their causes", () => {
    const { rig, left } = twoProviders(2);
    const [first = rigLease(0, 0), second = rigLease(0, 0)] = leasesOf(left);
    const effects = rig.turn(() => {
      left.complete(first);
      left.complete(second);
      left.fail(first);
      left.complete(first);
    });
    expect(settledLists(effects, left.link)).toEqual([[1, 3], [1], [1]]);
    const statuses = sentTo(effects, left.link).map(
      (kind) => kind.case === "settled" && kind.value.status,
    );
    const { ACCEPTED, STALE_LEASE } = SettledStatus;
    expect(statuses).toEqual([ACCEPTED, STALE_LEASE, ACCEPTED]);
  });

  test("records every outcome before a word on any of them is said", () => {
    const { rig, left } = twoProviders(4);
    const effects = rig.turn(() => {
      for (const lease of leasesOf(left)) left.complete(lease);
    });
    const types = effects.map(({ type }) => type).filter((type) => type !== "reply");
    expect(types).toEqual(["outcome", "outcome", "outcome", "outcome", "send"]);
  });

  test("splits words on more than 1,000 leases over messages", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1_000);
    for (let turn = 0; turn < 2; turn++) {
      rig.turn(() => {
        for (let index = 0; index < 750; index++) addTo(rig);
      });
      worker.credit(500);
    }
    const effects = rig.turn(() => {
      for (const lease of leasesOf(worker)) worker.complete(lease);
    });
    expect(settledLists(effects, worker.link).map(({ length }) => length)).toEqual([1_000, 500]);
  });

  test("says what was due before what its inputs came to", () => {
    const { rig, left } = twoProviders(1);
    rig.nowMs += 15_000;
    const effects = rig.turn(() => {
      left.complete();
    });
    const { ACCEPTED, LEASE_LOST } = SettledStatus;
    const words = sentTo(effects, left.link).flatMap(({ case: name, value }) =>
      name === "settled" ? [value.status] : [],
    );
    expect(words).toEqual([LEASE_LOST, ACCEPTED]);
  });

  test("lets adds in that wait for room its verbs made, in their order", () => {
    const rig = new DemandRig({ queue: { maxItems: 1, overflow: "wait" } });
    const worker = rig.provider("worker-0", 1);
    rig.add();
    const effects = rig.turn(() => {
      addTo(rig, 901);
      worker.complete();
      addTo(rig, 902);
    });
    const answered = effects.flatMap((effect) => (effect.type === "reply" ? [effect.call] : []));
    expect(answered).toEqual([901]);
    expect(rig.queue.snapshot(rig.nowMs).waiters).toBe(1);
  });
});

describe("a link that ends in the turn in which its verbs were taken gets its Settled first", () => {
  function orderOf(effects: readonly DemandEffect[], link: number): string[] {
    return effects.flatMap((effect) => {
      if (effect.type === "closeLink" && effect.link === link) return ["closeLink"];
      if (effect.type !== "send" || effect.link !== link) return [];
      return [effect.message.kind.case ?? ""];
    });
  }

  test("when it leaves", () => {
    const { rig, left } = twoProviders(1);
    const effects = rig.turn(() => {
      left.complete();
      left.say({ case: "leave", value: { reason: "" } });
    });
    expect(orderOf(effects, left.link)).toEqual(["settled", "closeLink"]);
  });

  test("when it breaks the protocol", () => {
    const { rig, left } = twoProviders(1);
    const effects = rig.turn(() => {
      left.complete();
      left.say({ case: "credit", value: { limit: 1n, revision: 0 } });
    });
    expect(orderOf(effects, left.link)).toEqual(["settled", "closeLink"]);
  });

  test.each([
    { how: "the provider opens another one", incarnation: 1 },
    { how: "the provider's node has started again", incarnation: 2 },
  ])("when $how", ({ incarnation }) => {
    const { rig, left } = twoProviders(1);
    const effects = rig.turn(() => {
      left.complete();
      rig.open("worker-0", incarnation).hello();
    });
    expect(orderOf(effects, left.link)).toEqual(["settled", "closeLink"]);
  });
});

/** A step of the property below; numbers choose among what there is. */
type Step = readonly [what: string, which: number, how: number];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...["complete", "fail", "reject", "release", "started", "renew", "foreign", "cancel"],
      ...["redrive", "add", "addSame", "lost", "left", "leave", "return"],
    ),
    fc.nat(40),
    fc.nat(3),
  ),
  { maxLength: 40 },
);

/** Where turns end: after which steps. */
const ends = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });

describe("however inputs fall into turns", () => {
  test("items, outcomes, answers and words are the same while nothing is granted", () => {
    fc.assert(
      fc.property(steps, ends, (script, endsTurn) => {
        const oneByOne = playPaused(script, () => true);
        const inTurns = playPaused(script, (index) => endsTurn[index] === true);
        expect(inTurns).toEqual(oneByOne);
      }),
      { numRuns: 300 },
    );
  });
});

/**
 * Plays a script on twelve leases of three providers while the queue is paused: grants depend on
 * who has credit at the end of a turn, all else must not. Then the queue goes on, with one
 * provider that takes everything.
 */
function playPaused(script: readonly Step[], endsTurn: (index: number) => boolean): unknown {
  const rig = new DemandRig({ retry: { maxAttempts: 2 }, queue: { maxItems: 20 } });
  const workers = ["worker-0", "worker-1", "worker-2"].map((nodeId) => rig.provider(nodeId, 4));
  for (let index = 0; index < 12; index++) rig.add();
  const leases = workers.flatMap((worker) => leasesOf(worker).map((lease) => ({ worker, lease })));
  rig.handle({ type: "pause" });
  const played: Played = { rig, workers, leases, homes: ["worker-0", "worker-1", "worker-2"] };
  const setUp = rig.effects.length;
  for (let start = 0; start < script.length; ) {
    let end = start;
    while (end < script.length - 1 && !endsTurn(end)) end += 1;
    rig.turn(() => {
      for (let index = start; index <= end; index++) playStep(played, script[index], index);
    });
    start = end + 1;
  }
  const links = new Set(
    rig.effects.flatMap((effect) => (effect.type === "send" ? [effect.link] : [])),
  );
  const said = [...links].map((link) => [link, wordsTo(rig.effects.slice(setUp), link)]);
  const others = rig.effects
    .slice(setUp)
    .filter(({ type }) => type === "reply" || type === "outcome" || type === "closeLink");
  rig.handle({ type: "resume" });
  const last = rig.open("worker-9");
  if (last.hello()?.case !== "admit") throw new Error("worker-9 was not let in");
  last.credit(1_000);
  rig.pass(60_000);
  const granted = last.deliveries().map(({ lease, attempt }) => ({ lease, attempt }));
  return { said, others, granted, items: rig.queue.list({ limit: 1_000 }).items };
}

interface Played {
  readonly rig: DemandRig;
  /** The link of each provider that is open, or was last. */
  readonly workers: RigProvider[];
  readonly leases: readonly { readonly worker: RigProvider; readonly lease: Lease }[];
  readonly homes: readonly string[];
}

function playStep(played: Played, step: Step | undefined, index: number): void {
  if (step === undefined) return;
  const { rig, workers, leases, homes } = played;
  const [what, which, how] = step;
  const place = which % 12;
  const at = which % 3;
  const [worker, held, other] = [
    workers[Math.floor(place / 4)],
    leases[place]?.lease,
    workers[(Math.floor(place / 4) + 1) % 3],
  ];
  const chosen = workers[at];
  if (worker === undefined || other === undefined || chosen === undefined) return;
  const call = 1_000 + index;
  if (what === "complete") worker.complete(held);
  else if (what === "fail") worker.fail(held, { retryable: how > 0, delayMs: how * 100 });
  else if (what === "reject") worker.reject(held);
  else if (what === "release") worker.release(held);
  else if (what === "started") worker.started(held);
  else if (what === "renew") worker.renew(held && [held]);
  else if (what === "foreign") other.complete(held);
  else if (what === "cancel") rig.handle({ type: "cancel", call, sequence: which });
  else if (what === "redrive") rig.handle({ type: "redrive", call, sequence: which });
  else if (what === "add") addTo(rig, call);
  else if (what === "addSame") {
    const request = new Uint8Array([how]);
    rig.handle({ type: "add", call, request, options: { idempotencyKey: `key${String(at)}` } });
  } else if (what === "lost" || what === "left") chosen.lost(what === "left");
  else if (what === "leave") chosen.say({ case: "leave", value: { reason: "" } });
  else if (what === "return") {
    const named = leases.filter((_, of) => Math.floor(of / 4) === at).slice(0, how + 1);
    const returned = rig.open(homes[at] ?? "", 1);
    returned.hello({ held: named.map(({ lease }) => lease) });
    workers[at] = returned;
  }
}

/** Words on leases to a link, one by one in their order. */
function wordsTo(effects: readonly DemandEffect[], link: number): unknown[] {
  return sentTo(effects, link).flatMap((kind) =>
    kind.case === "settled"
      ? kind.value.leases.map((lease) => [lease, kind.value.status, kind.value.state])
      : [],
  );
}
