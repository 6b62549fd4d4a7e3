import { describe, expect, test } from "vitest";
import {
  Announcer,
  type AnnouncerEffect,
  type AnnouncerOptions,
} from "../../../../../sidecar/core/discovery/announcer.ts";
import { DiscoveryError } from "../../../../../sidecar/core/discovery/discovery-error.ts";
import { announcedNode, announcement, demand } from "../../../../support/announcements.ts";

function announcer(chance = 0.5, options: Partial<AnnouncerOptions> = {}): Announcer {
  return new Announcer({ ...announcedNode(), ...options }, { next: () => chance });
}

const sent = (effects: AnnouncerEffect[]) =>
  effects.filter((e) => e.type === "send").map((e) => e.announcement);

/** Packets sent until a time, with the time of each. */
function run(engine: Announcer, untilMs: number): number[] {
  const times: number[] = [];
  while (engine.nextDeadlineMs() <= untilMs) {
    const nowMs = engine.nextDeadlineMs();
    times.push(...sent(engine.advance(nowMs)).map(() => nowMs));
  }
  return times;
}

const hear = (engine: Announcer, nodeId: string, nowMs: number): AnnouncerEffect[] =>
  engine.handle(
    {
      type: "received",
      announcement: announcement({ nodeId }),
      fromAddress: "10.0.0.2",
      receivedAtEpochMs: 1_000_000,
    },
    nowMs,
  );

describe("scheduling", () => {
  test("announces at start, again after 50–150 ms, then every period", () => {
    const engine = announcer();
    expect(sent(engine.handle({ type: "start" }, 0))).toHaveLength(1);
    expect(run(engine, 15_200)).toEqual([100, 5_100, 10_100, 15_100]);
  });

  test.each([
    [0, 50, 4_050],
    [0.999_999, 150, 6_150],
  ])("chance %f repeats after %d ms and jitters the period by 20 %%", (chance, repeat, next) => {
    const engine = announcer(chance);
    engine.handle({ type: "start" }, 0);
    expect(run(engine, 6_200).slice(0, 2).map(Math.round)).toEqual([repeat, next]);
  });

  test("tells a renewed certificate with the next round, not by one of its own", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    const fingerprint = new Uint8Array(32).fill(9);
    expect(engine.handle({ type: "certificateChanged", fingerprint }, 10)).toEqual([]);
    const [next] = sent(engine.advance(100));
    expect(next?.certificateFingerprint).toEqual(fingerprint);
  });

  test("numbers its packets without a gap", () => {
    const engine = announcer();
    const packets = sent(engine.handle({ type: "start" }, 0));
    packets.push(...sent(engine.advance(100)), ...sent(engine.handle({ type: "stop" }, 200)));
    expect(packets.map((p) => p.sequence)).toEqual([1n, 2n, 3n]);
  });

  test("may be believed for five periods", () => {
    const engine = announcer(0.5, { periodMs: 100 });
    expect(sent(engine.handle({ type: "start" }, 0))[0]?.ttlMs).toBe(500);
  });

  test("is idle before start and after stop, and stop says goodbye once", () => {
    const engine = announcer();
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    expect(engine.handle({ type: "stop" }, 0)).toEqual([]);
    engine.handle({ type: "start" }, 0);
    expect(sent(engine.handle({ type: "stop" }, 10))).toMatchObject([{ goodbye: true }]);
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    expect(engine.handle({ type: "stop" }, 10)).toEqual([]);
    expect(hear(engine, "b", 20).map((e) => e.type)).toEqual(["heard"]);
  });

  test("extra calls of advance and start are harmless", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    expect(engine.advance(50)).toEqual([]);
    expect(engine.handle({ type: "start" }, 60)).toEqual([]);
  });

  test.each([9, Number.NaN, 120_001])("a period of %d ms is refused", (periodMs) => {
    expect(() => announcer(0.5, { periodMs })).toThrow(DiscoveryError);
  });
});

describe("announces at once", () => {
  test("to a new node, not to a known one", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    expect(hear(engine, "b", 30).map((e) => e.type)).toEqual(["heard", "send"]);
    const again = announcement({ nodeId: "b", sequence: 2n });
    const received = { type: "received", announcement: again, fromAddress: "10.0.0.2" } as const;
    const effects = engine.handle({ ...received, receivedAtEpochMs: 1_000_000 }, 40);
    expect(effects.map((e) => e.type)).toEqual(["heard"]);
  });

  test("and still repeats after start", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    hear(engine, "b", 30);
    expect(engine.nextDeadlineMs()).toBe(100);
  });

  test("but 20 ms after the round before: many answers to a start get one answer", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    for (let i = 0; i < 50; i++) expect(hear(engine, `n${i}`, 5)).toHaveLength(1);
    expect(run(engine, 99)).toEqual([20]);
    expect(hear(engine, "late", 99).map((e) => e.type)).toEqual(["heard", "send"]);
  });

  test("when the paths changed, with the new addresses", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    const effects = engine.handle({ type: "pathsChanged", addresses: ["10.9.9.9"] }, 30);
    expect(sent(effects)).toMatchObject([{ addresses: ["10.9.9.9"] }]);
  });

  test("at most five times in a row and five times a second, the rest in one round", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    let rounds = 0;
    for (let i = 0; i < 1_000; i++) {
      const nowMs = i;
      rounds += sent(hear(engine, `n${i}`, nowMs)).length;
      if (engine.nextDeadlineMs() <= nowMs) rounds += sent(engine.advance(nowMs)).length;
    }
    expect(rounds).toBeGreaterThanOrEqual(9);
    expect(rounds).toBeLessThanOrEqual(12);
    expect(engine.nextDeadlineMs()).toBeLessThan(1_400);
  });
});

describe("demands", () => {
  const change = (before: object, after: object): number => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    engine.handle({ type: "demandsChanged", demands: [demand("x", before)] }, 500);
    return engine.handle({ type: "demandsChanged", demands: [demand("x", after)] }, 600).length;
  };

  test.each([
    ["another desired", {}, { desiredProviders: 3 }, 1],
    ["another max", {}, { maxProviders: 9 }, 1],
    ["desired reached", { connectedProviders: 1 }, { connectedProviders: 2 }, 1],
    ["full", { connectedProviders: 3 }, { connectedProviders: 4 }, 1],
    ["below desired again", { connectedProviders: 2 }, { connectedProviders: 1 }, 1],
    ["another route", {}, { routeHash: 8n }, 1],
    ["one more of the same group", { connectedProviders: 2 }, { connectedProviders: 3 }, 0],
    ["nothing", {}, {}, 0],
  ])("%s", (_, before, after, rounds) => {
    expect(change(before, after)).toBe(rounds);
  });

  test("counts that are not material stand in the next round", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    engine.handle({ type: "demandsChanged", demands: [demand("x", { connectedProviders: 2 })] }, 1);
    engine.handle({ type: "demandsChanged", demands: [demand("x", { connectedProviders: 3 })] }, 2);
    const demands = sent(engine.advance(100)).flatMap((p) => p.demands);
    expect(demands).toMatchObject([{ connectedProviders: 3 }]);
  });

  test("a demand more or less is announced at once", () => {
    const engine = announcer();
    engine.handle({ type: "start" }, 0);
    const more = engine.handle({ type: "demandsChanged", demands: [demand("x")] }, 30);
    const less = engine.handle({ type: "demandsChanged", demands: [] }, 60);
    expect([sent(more), sent(less)].map((p) => p.length)).toEqual([1, 1]);
  });

  test("may be told before start without being sent", () => {
    const engine = announcer();
    expect(engine.handle({ type: "demandsChanged", demands: [demand("x")] }, 0)).toEqual([]);
    expect(sent(engine.handle({ type: "start" }, 0))[0]?.demands).toHaveLength(1);
  });
});

describe("others", () => {
  test("a goodbye is passed on", () => {
    const engine = announcer();
    const received = {
      type: "received",
      announcement: announcement({ goodbye: true }),
      fromAddress: "10.0.0.2",
      receivedAtEpochMs: 1_000_000,
    } as const;
    expect(engine.handle(received, 0)).toEqual([{ type: "left", nodeId: "b", incarnation: 1 }]);
  });

  test("a refusal is passed on with its reason", () => {
    const engine = announcer();
    hear(engine, "b", 0);
    expect(hear(engine, "b", 0)).toEqual([{ type: "refused", reason: "DUPLICATE" }]);
  });

  test("our own echo is nothing", () => {
    expect(hear(announcer(), "a", 0)).toEqual([]);
  });
});
