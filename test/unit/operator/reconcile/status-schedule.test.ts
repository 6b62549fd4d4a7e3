import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  sameValue,
  StatusSchedule,
  type WritableStatus,
} from "../../../../operator/reconcile/index.ts";
import { PlainStatusSchedule } from "../../../support/plain-status-schedule.ts";
import { startMs } from "../../../support/reconcile-rig.ts";

interface Counted {
  readonly items?: { readonly ready: number };
  readonly since?: string;
  readonly conditions: WritableStatus["conditions"];
}

function status(ready: number, ready2 = "True", reason = "Serving"): Counted {
  return { items: { ready }, conditions: [{ type: "Ready", status: ready2, reason }] };
}

function spokenOf(observedGeneration: number): Counted {
  return {
    ...status(5),
    conditions: status(5).conditions.map((it) => ({ ...it, observedGeneration })),
  };
}

function keys(due: readonly { readonly key: string }[]): string[] {
  return due.map(({ key }) => key);
}

function expectNone(due: readonly unknown[]): void {
  if (due.length > 0) throw new Error("nothing was to be taken");
}

/** A schedule in which `a` stands with 5 ready items, written at the start. */
function written(): StatusSchedule<Counted> {
  const schedule = new StatusSchedule<Counted>();
  schedule.want("a", status(5), { nowMs: startMs });
  expect(keys(schedule.takeDue(startMs, 10))).toEqual(["a"]);
  schedule.done("a", status(5), startMs);
  return schedule;
}

describe("a status is written", () => {
  test("at once the first time", () => {
    written();
  });

  test("not at all when it stands already", () => {
    const schedule = new StatusSchedule<Counted>();
    schedule.want("a", status(5), { stored: status(5), nowMs: startMs });
    expect(schedule.takeDue(startMs, 10)).toEqual([]);
    expect(schedule.nextDueMs(startMs)).toBe(Number.POSITIVE_INFINITY);
  });

  const urgent: readonly (readonly [string, Counted])[] = [
    ["a condition's status changed", status(5, "False")],
    ["a condition's reason changed", status(5, "True", "Other")],
    ["a count reached zero", status(0)],
    ["a time appeared", { ...status(5), since: "2026-01-01T00:00:00Z" }],
    ["a condition appeared", { ...status(5), conditions: [] }],
    ["a condition speaks of a newer generation", spokenOf(2)],
  ];
  test.each(urgent)("at once when %s", (_, wanted) => {
    const schedule = written();
    schedule.want("a", wanted, { nowMs: startMs + 100 });
    expect(schedule.nextDueMs(startMs + 100)).toBeLessThanOrEqual(startMs + 100);
    expect(schedule.takeDue(startMs + 100, 10)).toEqual([{ key: "a", status: wanted }]);
  });

  test("30 s after the last one when only counts changed, with the latest of them", () => {
    const schedule = written();
    schedule.want("a", status(6), { nowMs: startMs + 1_000 });
    schedule.want("a", status(7), { nowMs: startMs + 2_000 });
    expect(schedule.takeDue(startMs + 29_999, 10)).toEqual([]);
    expect(schedule.nextDueMs(startMs + 2_000)).toBe(startMs + 30_000);
    expect(schedule.takeDue(startMs + 30_000, 10)).toEqual([{ key: "a", status: status(7) }]);
  });

  test("not when the counts came back to what stands", () => {
    const schedule = written();
    schedule.want("a", status(6), { nowMs: startMs + 1_000 });
    schedule.want("a", status(5), { nowMs: startMs + 2_000 });
    expect(schedule.takeDue(startMs + 60_000, 10)).toEqual([]);
    expect(schedule.dirtyCount).toBe(0);
  });

  test("again after somebody else wrote over it", () => {
    const schedule = written();
    schedule.observe("a", status(5, "False", "Foreign"), startMs + 1_000);
    expect(schedule.takeDue(startMs + 1_000, 10)).toEqual([{ key: "a", status: status(5) }]);
  });

  test("again after a failure, later each time, at most a minute", () => {
    const schedule = new StatusSchedule<Counted>();
    schedule.want("a", status(5), { nowMs: startMs });
    let nowMs = startMs;
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      expect(keys(schedule.takeDue(nowMs, 10))).toEqual(["a"]);
      expect(schedule.takeDue(nowMs, 10)).toEqual([]);
      schedule.failed("a", nowMs);
      pauses.push(schedule.nextDueMs(nowMs) - nowMs);
      nowMs = schedule.nextDueMs(nowMs);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  });

  test("once more when it changed while it was being written", () => {
    const schedule = new StatusSchedule<Counted>();
    schedule.want("a", status(5), { nowMs: startMs });
    const [first] = schedule.takeDue(startMs, 10);
    schedule.want("a", status(0), { nowMs: startMs + 1 });
    expect(schedule.takeDue(startMs + 1, 10)).toEqual([]);
    schedule.done("a", first?.status ?? status(9), startMs + 2);
    expect(schedule.takeDue(startMs + 2, 10)).toEqual([{ key: "a", status: status(0) }]);
  });

  test("no more when its object is gone", () => {
    const schedule = new StatusSchedule<Counted>();
    schedule.want("a", status(5), { nowMs: startMs });
    schedule.forget("a");
    expect(schedule.takeDue(startMs, 10)).toEqual([]);
  });
});

describe("over many objects", () => {
  test("counts are written 20 a second, the one that waits longest first", () => {
    const schedule = new StatusSchedule<Counted>();
    const all = Array.from({ length: 50 }, (_, index) => `k${index}`);
    for (const [index, key] of all.entries()) {
      const stored = status(5);
      schedule.want(key, status(6), { stored, nowMs: startMs + index });
    }
    const take = (atMs: number): string[] => {
      const due = schedule.takeDue(startMs + atMs, 100);
      for (const { key, status: it } of due) schedule.done(key, it, startMs + atMs);
      return keys(due);
    };
    expect(take(100)).toEqual(all.slice(0, 20));
    expect(take(100)).toEqual([]);
    expect(take(1_100)).toEqual(all.slice(20, 40));
    expect(take(1_600)).toEqual(all.slice(40, 50));
  });

  test("conditions go before counts and are not held by their rate", () => {
    const schedule = new StatusSchedule<Counted>();
    for (let index = 0; index < 30; index += 1) {
      schedule.want(`count${index}`, status(6), { stored: status(5), nowMs: startMs });
      const wanted = status(5, "False");
      schedule.want(`urgent${index}`, wanted, { stored: status(5), nowMs: startMs + 1 });
    }
    const due = keys(schedule.takeDue(startMs + 1, 100));
    expect(due.slice(0, 30).every((key) => key.startsWith("urgent"))).toBe(true);
    expect(due).toHaveLength(50);
  });

  test("whatever happens, it does what the plain definition does", () => {
    const key = fc.constantFrom(..."abcdef");
    const counted = fc
      .record({ ready: fc.nat({ max: 4 }), ok: fc.boolean() })
      .map(({ ready, ok }) => status(ready, ok ? "True" : "False"));
    const step = fc.record({
      kind: fc.constantFrom("want", "want", "take", "take", "done", "failed", "observe", "forget"),
      key,
      counted,
      limit: fc.nat({ max: 3 }),
      passMs: fc.oneof(fc.constant(0), fc.nat({ max: 2_000 }), fc.nat({ max: 40_000 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        const schedule = new StatusSchedule<Counted>({ countsPerSecond: 2 });
        const plain = new PlainStatusSchedule<Counted>(2);
        const running = new Map<string, Counted>();
        let nowMs = startMs;
        for (const { kind, key: chosen, counted: it, limit, passMs } of steps) {
          nowMs += passMs;
          const [first] = running;
          if (kind === "want") {
            schedule.want(chosen, it, { nowMs });
            plain.want(chosen, it);
          } else if (kind === "observe") {
            schedule.observe(chosen, it, nowMs);
            plain.observe(chosen, it);
          } else if (kind === "forget") {
            schedule.forget(chosen);
            plain.forget(chosen);
            running.delete(chosen);
          } else if (kind === "take") {
            const due = schedule.takeDue(nowMs, limit);
            expect(due).toEqual(plain.takeDue(nowMs, limit));
            for (const each of due) running.set(each.key, each.status);
          } else if (first !== undefined) {
            const [key, written] = first;
            running.delete(key);
            for (const each of [schedule, plain]) {
              if (kind === "done") each.done(key, written, nowMs);
              else each.failed(key, nowMs);
            }
          }
          expect(schedule.dirtyCount).toBe(plain.dirtyCount);
          expect(schedule.nextDueMs(nowMs)).toBe(plain.nextDueMs(nowMs));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("10,000 of them wanted and done cost little, also while nothing more may be taken", () => {
    const count = 10_000;
    const schedule = new StatusSchedule<Counted>();
    const before = process.cpuUsage();
    for (let index = 0; index < count; index += 1) {
      schedule.want(`k${index}`, status(1), { nowMs: startMs });
      expectNone(schedule.takeDue(startMs, 0));
      schedule.nextDueMs(startMs);
    }
    for (let index = 0; index < count; index += 1) {
      const nowMs = startMs + index;
      for (const { key, status: it } of schedule.takeDue(nowMs, 1)) schedule.done(key, it, nowMs);
      schedule.want(`k${index}`, status(2), { nowMs });
      schedule.nextDueMs(nowMs);
    }
    const { user, system } = process.cpuUsage(before);
    expect(schedule.dirtyCount).toBe(count);
    // Sorting all of them each time takes more than 5 s here.
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });

  test("what stands in the end is what was wanted last, within the rates", () => {
    const change = fc.record({
      key: fc.constantFrom("a", "b", "c"),
      ready: fc.integer({ min: 0, max: 4 }),
      ok: fc.boolean(),
      passMs: fc.integer({ min: 0, max: 20_000 }),
      fails: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const schedule = new StatusSchedule<Counted>({ countsPerSecond: 2 });
        const stands = new Map<string, Counted>();
        const wants = new Map<string, Counted>();
        let nowMs = startMs;
        const write = (fails: boolean): void => {
          for (const { key, status: it } of schedule.takeDue(nowMs, 2)) {
            expect(sameValue(stands.get(key), it)).toBe(false);
            if (fails) {
              schedule.failed(key, nowMs);
              continue;
            }
            stands.set(key, it);
            schedule.done(key, it, nowMs);
          }
        };
        for (const { key, ready, ok, passMs, fails } of changes) {
          nowMs += passMs;
          const wanted = status(ready, ok ? "True" : "False");
          wants.set(key, wanted);
          schedule.want(key, wanted, { nowMs });
          write(fails);
        }
        for (let turn = 0; turn < 1_000 && schedule.dirtyCount > 0; turn += 1) {
          nowMs = Math.max(nowMs, schedule.nextDueMs(nowMs));
          write(false);
        }
        expect(stands).toEqual(wants);
        expect(schedule.nextDueMs(nowMs)).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });
});

describe("an object whose status stands", () => {
  test("is forgotten, and goes on where it was when something is wanted again", () => {
    const schedule = written();
    const writtenAtMs = schedule.settle("a");
    expect([writtenAtMs, schedule.wanted("a"), schedule.settle("a")]).toEqual([
      startMs,
      undefined,
      undefined,
    ]);
    schedule.want("a", status(6), { stored: status(5), nowMs: startMs + 1, writtenAtMs });
    expectNone(schedule.takeDue(startMs + 29_999, 10));
    expect(keys(schedule.takeDue(startMs + 30_000, 10))).toEqual(["a"]);
  });

  test("is not forgotten while a write of it waits or is under way", () => {
    const schedule = written();
    schedule.want("a", status(6), { nowMs: startMs });
    expect(schedule.settle("a")).toBeUndefined();
    schedule.takeDue(startMs + 30_000, 10);
    expect(schedule.settle("a")).toBeUndefined();
    expect(schedule.wanted("a")).toEqual(status(6));
  });
});

test("what was refused is not due again, whatever is wanted, until it is forgotten", () => {
  const schedule = new StatusSchedule<ReturnType<typeof status>>();
  schedule.want("a", status(1), { nowMs: startMs });
  schedule.takeDue(startMs, 10);
  schedule.refused("a", startMs);
  schedule.want("a", status(0), { nowMs: startMs + 1 });
  schedule.observe("a", status(7), startMs + 2);
  expect(schedule.nextDueMs(startMs + 3)).toBe(Number.POSITIVE_INFINITY);
  expectNone(schedule.takeDue(startMs + 3_600_000, 10));
  schedule.forget("a");
  schedule.want("a", status(0), { nowMs: startMs + 3_600_000 });
  expect(keys(schedule.takeDue(startMs + 3_600_000, 10))).toEqual(["a"]);
});
