import { describe, expect, it } from "vitest";
import {
  LeaseElector,
  type LeaseNote,
} from "../../../../../operator/runtime/core/lease-elector.ts";

function note(holder: string, version: number, durationMs = 15_000): LeaseNote {
  return { holder, durationMs, resourceVersion: `${version}` };
}

function elector() {
  const me = new LeaseElector("me", {}, { next: () => 0 });
  me.handle({ type: "start" }, 0);
  return me;
}

/** Leads since 0 with version 1. */
function leader() {
  const me = elector();
  me.handle({ type: "seen", note: undefined }, 0);
  me.handle({ type: "written", note: note("me", 1) }, 0);
  expect(me.isLeader(0)).toBe(true);
  return me;
}

const failed = { type: "failed", conflict: false } as const;
const conflict = { type: "failed", conflict: true } as const;

describe("a follower", () => {
  it("takes a lease that nobody has, was given back, or bears its own name", () => {
    const write = { type: "write", purpose: "take" };
    expect(elector().handle({ type: "seen", note: undefined }, 0).at(-1)).toMatchObject(write);
    expect(
      elector()
        .handle({ type: "seen", note: note("", 4) }, 0)
        .at(-1),
    ).toMatchObject({
      ...write,
      resourceVersion: "4",
    });
    expect(
      elector()
        .handle({ type: "seen", note: note("me", 4) }, 0)
        .at(-1),
    ).toMatchObject(write);
  });

  it("waits from when it saw the note change, not from the times that stand on it", () => {
    const me = elector();
    me.handle({ type: "seen", note: note("other", 1) }, 0);
    for (let atMs = 2_000; atMs <= 12_000; atMs += 2_000) {
      expect(me.advance(atMs)).toEqual([{ type: "look" }]);
      me.handle({ type: "seen", note: note("other", atMs < 6_000 ? 1 : 2) }, atMs);
    }
    // Changed at 6 s: free at 21 s, and not before.
    me.advance(20_000);
    expect(me.handle({ type: "seen", note: note("other", 2) }, 20_000)).toEqual([]);
    expect(me.nextDeadlineMs()).toBe(21_000);
    me.advance(21_000);
    expect(me.handle({ type: "seen", note: note("other", 2) }, 21_000)).toEqual([
      { type: "write", purpose: "take", resourceVersion: "2" },
    ]);
  });

  it("does not take what changed while it could not look", () => {
    const me = elector();
    me.handle({ type: "seen", note: note("other", 1) }, 0);
    me.advance(60_000);
    expect(me.handle({ type: "seen", note: note("other", 30) }, 60_000)).toEqual([]);
  });

  it("looks again when somebody was quicker, or a look failed", () => {
    const me = elector();
    me.handle({ type: "seen", note: undefined }, 0);
    expect(me.handle(conflict, 1)).toEqual([{ type: "look" }]);
    me.handle(failed, 2);
    expect(me.nextDeadlineMs()).toBe(2_002);
  });

  it("does not lead by an answer that came after its time", () => {
    const me = elector();
    me.handle({ type: "seen", note: undefined }, 0);
    expect(me.handle({ type: "written", note: note("me", 1) }, 10_000)).not.toContainEqual({
      type: "elected",
    });
    expect(me.isLeader(10_000)).toBe(false);
  });
});

describe("a leader", () => {
  it("renews each period, and holds from when it asked, not from the answer", () => {
    const me = leader();
    expect(me.nextDeadlineMs()).toBe(2_000);
    expect(me.advance(2_000)).toEqual([{ type: "write", purpose: "renew", resourceVersion: "1" }]);
    me.handle({ type: "written", note: note("me", 2) }, 5_000);
    expect(me.isLeader(11_999)).toBe(true);
    expect(me.isLeader(12_000)).toBe(false);
  });

  it("leaves when it could not renew in time, even with an answer on its way", () => {
    const me = leader();
    me.advance(2_000);
    expect(me.handle({ type: "written", note: note("me", 2) }, 10_000)).toEqual([
      { type: "lost", why: "notRenewed" },
      { type: "ended" },
    ]);
    expect(me.isLeader(10_000)).toBe(false);
    expect(me.handle({ type: "start" }, 11_000)).toEqual([]);
  });

  it("after a conflict looks whose name is there", () => {
    const mine = leader();
    mine.advance(2_000);
    expect(mine.handle(conflict, 2_100)).toEqual([{ type: "look" }]);
    expect(mine.handle({ type: "seen", note: note("me", 7) }, 2_200)).toEqual([
      { type: "write", purpose: "renew", resourceVersion: "7" },
    ]);
    const taken = leader();
    taken.advance(2_000);
    taken.handle(conflict, 2_100);
    const effects = taken.handle({ type: "seen", note: note("other", 7) }, 2_200);
    expect(effects).toContainEqual({ type: "lost", why: "taken" });
    expect(taken.isLeader(2_200)).toBe(false);
  });

  it("holds for less by what it slept", () => {
    const me = leader();
    me.handle({ type: "slept", sleptMs: 4_000 }, 1_000);
    expect(me.isLeader(5_999)).toBe(true);
    expect(me.isLeader(6_000)).toBe(false);
    const effects = me.handle({ type: "slept", sleptMs: 60_000 }, 1_001);
    expect(effects).toContainEqual({ type: "lost", why: "notRenewed" });
  });

  it("gives back with the version that stands there, after a renewal that is on its way", () => {
    const me = leader();
    me.advance(2_000);
    expect(me.handle({ type: "release" }, 2_100)).toEqual([{ type: "lost", why: "released" }]);
    expect(me.isLeader(2_100)).toBe(false);
    expect(me.handle({ type: "written", note: note("me", 2) }, 2_200)).toEqual([
      { type: "write", purpose: "release", resourceVersion: "2" },
    ]);
    const effects = me.handle({ type: "written", note: note("", 3) }, 2_300);
    expect(effects.at(-1)).toEqual({ type: "ended" });
  });

  it("does not wait for ever until it is given back", () => {
    const me = leader();
    me.handle({ type: "release" }, 100);
    expect(me.nextDeadlineMs()).toBe(3_100);
    expect(me.advance(3_100)).toEqual([{ type: "ended" }]);
  });
});

describe("a candidate that never led", () => {
  it("ends at once when it is told to", () => {
    expect(elector().handle({ type: "release" }, 0)).toEqual([{ type: "ended" }]);
  });

  it("takes an answer to nothing for nothing", () => {
    const me = elector();
    expect(me.handle({ type: "written", note: note("me", 1) }, 0)).toEqual([]);
    expect(me.isLeader(0)).toBe(false);
  });
});
