/** design/work.md: a provider splits its credit; idle credit flows to whoever has work. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CreditSplit } from "../../../../../sidecar/core/work/credit-split.ts";
import { outstandingOf, type PoolLink } from "../../../../../sidecar/core/work/held-lease.ts";
import { CapabilityRig } from "../../../../support/capability-rig.ts";

describe("the split", () => {
  test("goes first to links with a backlog, in turn", () => {
    const rig = new CapabilityRig({ concurrency: 1 });
    const demands = ["web-0", "web-1", "web-2"].map((nodeId) => rig.join(nodeId));
    for (const demand of demands.slice(0, 2)) demand.backlog(5);
    const got: number[] = [];
    for (let round = 1; round <= 4; round++) {
      const call = rig.pull();
      const index = demands.findIndex(
        (demand) => demand.limit() > got.filter((i) => demands[i] === demand).length,
      );
      got.push(index);
      demands[index]?.deliver(round);
      const lease = rig.pulled(call)[0]?.lease ?? "";
      rig.verb(lease, { verb: "complete", result: new Uint8Array() });
    }
    expect(got.toSorted()).toEqual([0, 0, 1, 1]);
    expect(got[0]).not.toBe(got[1]);
  });

  test("idle credit is taken back, and given on only once the demand has confirmed it", () => {
    const rig = new CapabilityRig({ concurrency: 1 });
    const idle = rig.join("web-0");
    const busy = rig.join("web-1");
    rig.pull();
    const [parked, other] = idle.limit() === 1 ? [idle, busy] : [busy, idle];
    other.backlog(3);
    expect(parked.limit()).toBe(0);
    expect(other.limit()).toBe(0);
    parked.creditTaken();
    expect(other.limit()).toBe(1);
  });

  test("an item that was on its way when credit was taken back fills the slot", () => {
    const rig = new CapabilityRig({ concurrency: 1 });
    const [first, second] = [rig.join("web-0"), rig.join("web-1")];
    const call = rig.pull();
    const [parked, other] = first.limit() === 1 ? [first, second] : [second, first];
    other.backlog(3);
    parked.deliver(1);
    parked.creditTaken();
    expect(rig.pulled(call)).toHaveLength(1);
    expect(other.limit()).toBe(0);
  });
});

/** A demand as far as credit goes: what it was told arrives late, in order. */
interface FarEnd {
  readonly link: PoolLink;
  readonly inbox: { readonly limit: number; readonly lowered: boolean }[];
  limit: number;
  delivered: number;
  readonly answers: { readonly kind: "item" | "taken" }[];
}

test("what may still be delivered never exceeds the free slots, whatever arrives when", () => {
  const step = fc.record({
    kind: fc.constantFrom("free", "hear", "deliver", "answer", "backlog"),
    link: fc.integer({ min: 0, max: 2 }),
    value: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const slots = 6;
      const ends = [0, 1, 2].map(
        (link): FarEnd => ({
          link: newLink(link),
          inbox: [],
          limit: 0,
          delivered: 0,
          answers: [],
        }),
      );
      const split = new CreditSplit();
      let asked = 0;
      let held = 0;
      for (const { kind, link, value } of steps) {
        const end = ends[link];
        if (end === undefined) continue;
        if (kind === "free") {
          asked = value;
          held = Math.max(0, held - 1);
        } else if (kind === "backlog") end.link.backlog = value;
        else if (kind === "hear") hear(end);
        else if (kind === "deliver" && end.delivered < end.limit) {
          end.delivered += 1;
          end.answers.push({ kind: "item" });
        } else if (kind === "answer") {
          const answer = end.answers.shift();
          if (answer?.kind === "item") {
            end.link.received += 1;
            held += 1;
          } else if (answer?.kind === "taken") end.link.loweredFrom = undefined;
        }
        const free = Math.max(0, Math.min(asked, slots - held));
        split.balance(
          ends.map((one) => one.link),
          free,
          (told, limit) => {
            const lowered = limit < told.limit;
            if (lowered) told.loweredFrom = told.limit;
            told.limit = limit;
            ends[told.link]?.inbox.push({ limit, lowered });
          },
        );
        // The truth: what the far ends may send, and what they have sent that has not arrived.
        let offered = 0;
        for (const one of ends) {
          const coming = one.answers.filter((answer) => answer.kind === "item").length;
          const highest = Math.max(one.limit, ...one.inbox.map((told) => told.limit));
          offered += Math.max(0, highest - one.delivered) + coming;
          expect(outstandingOf(one.link)).toBeGreaterThanOrEqual(
            Math.max(0, one.limit - one.delivered) + coming,
          );
        }
        expect(offered + held).toBeLessThanOrEqual(slots);
      }
    }),
  );
});

function hear(end: FarEnd): void {
  const told = end.inbox.shift();
  if (told === undefined) return;
  end.limit = told.limit;
  if (told.lowered) end.answers.push({ kind: "taken" });
}

function newLink(link: number): PoolLink {
  return {
    link,
    target: {} as PoolLink["target"],
    phase: "joined",
    limit: 0,
    received: 0,
    revision: 0,
    loweredFrom: undefined,
    backlog: 0,
    renewAtMs: Infinity,
    askedUntilMs: Infinity,
  };
}
