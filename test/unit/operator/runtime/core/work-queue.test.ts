import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type QueueEffect,
  type RunOutcome,
  WorkQueue,
} from "../../../../../operator/runtime/core/work-queue.ts";

function openQueue(concurrency = 1): WorkQueue {
  const queue = new WorkQueue({ concurrency });
  queue.handle({ type: "open" }, 0);
  return queue;
}

function keysOf(effects: readonly QueueEffect[]): string[] {
  return effects.flatMap((effect) => (effect.type === "run" ? [effect.key] : []));
}

function done(queue: WorkQueue, key: string, outcome: RunOutcome, nowMs: number): string[] {
  return keysOf(queue.handle({ type: "done", key, outcome }, nowMs));
}

const settled: RunOutcome = { type: "settled" };
const failed: RunOutcome = { type: "failed" };

describe("a work queue", () => {
  it("begins nothing before it is open, and then what was collected, in order", () => {
    const queue = new WorkQueue({ concurrency: 2 });
    for (const key of ["a", "b", "a", "c"])
      expect(queue.handle({ type: "add", key }, 1)).toEqual([]);
    expect(queue.depth).toBe(3);
    expect(queue.handle({ type: "open" }, 5)).toEqual([
      { type: "run", key: "a", waitedMs: 4 },
      { type: "run", key: "b", waitedMs: 4 },
    ]);
    expect(done(queue, "a", settled, 6)).toEqual(["c"]);
  });

  it("works once on a key that is added many times before its turn", () => {
    const queue = openQueue();
    queue.handle({ type: "add", key: "busy" }, 0);
    for (let at = 0; at < 10; at++) queue.handle({ type: "add", key: "a" }, at);
    expect(done(queue, "busy", settled, 10)).toEqual(["a"]);
    expect(done(queue, "a", settled, 11)).toEqual([]);
  });

  it("never gives a key to two workers: added while it runs, it runs again afterwards", () => {
    const queue = openQueue(5);
    expect(keysOf(queue.handle({ type: "add", key: "a" }, 0))).toEqual(["a"]);
    expect(queue.handle({ type: "add", key: "a" }, 1)).toEqual([]);
    expect(queue.handle({ type: "add", key: "a" }, 2)).toEqual([]);
    expect(done(queue, "a", settled, 3)).toEqual(["a"]);
    expect(done(queue, "a", settled, 4)).toEqual([]);
    expect(queue.size).toBe(0);
  });

  it("doubles the wait of a key that fails, up to its bound, and forgets after a success", () => {
    const queue = new WorkQueue({ concurrency: 1, backoff: { baseMs: 5, maxMs: 1_000 } });
    queue.handle({ type: "open" }, 0);
    queue.handle({ type: "add", key: "a" }, 0);
    let nowMs = 0;
    const waitsMs: number[] = [];
    for (let failures = 0; failures < 10; failures++) {
      done(queue, "a", failed, nowMs);
      waitsMs.push(queue.nextDeadlineMs() - nowMs);
      nowMs = queue.nextDeadlineMs();
      expect(keysOf(queue.advance(nowMs))).toEqual(["a"]);
    }
    expect(waitsMs).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    done(queue, "a", settled, nowMs);
    queue.handle({ type: "add", key: "a" }, nowMs);
    done(queue, "a", failed, nowMs);
    expect(queue.nextDeadlineMs() - nowMs).toBe(5);
  });

  it("slows many failing keys by one bucket", () => {
    const retryRate = { perSecond: 10, burst: 2 };
    const queue = new WorkQueue({ concurrency: 10, retryRate });
    queue.handle({ type: "open" }, 0);
    for (const key of ["a", "b", "c", "d"]) queue.handle({ type: "add", key }, 0);
    for (const key of ["a", "b", "c", "d"]) done(queue, key, failed, 0);
    expect(keysOf(queue.advance(5))).toEqual(["a", "b"]);
    expect(keysOf(queue.advance(99))).toEqual([]);
    expect(keysOf(queue.advance(100))).toEqual(["c"]);
    expect(keysOf(queue.advance(200))).toEqual(["d"]);
  });

  it("does not retry a terminal failure before the key is added again", () => {
    const queue = openQueue();
    queue.handle({ type: "add", key: "a" }, 0);
    expect(done(queue, "a", { type: "terminal" }, 1)).toEqual([]);
    expect(queue.nextDeadlineMs()).toBe(Infinity);
    expect(keysOf(queue.handle({ type: "add", key: "a" }, 2))).toEqual(["a"]);
  });

  it("lets a new change through at once while a failed key waits", () => {
    const queue = openQueue();
    queue.handle({ type: "add", key: "a" }, 0);
    done(queue, "a", failed, 0);
    expect(keysOf(queue.handle({ type: "add", key: "a" }, 1))).toEqual(["a"]);
    // What the failed run asked for is replaced by this run: it comes back once, not twice.
    expect(done(queue, "a", settled, 2)).toEqual([]);
    expect(queue.nextDeadlineMs()).toBe(Infinity);
  });

  it("brings a delayed key at the earliest moment that was asked for", () => {
    const queue = openQueue();
    queue.handle({ type: "addAfter", key: "a", delayMs: 100 }, 0);
    queue.handle({ type: "addAfter", key: "a", delayMs: 50 }, 0);
    queue.handle({ type: "addAfter", key: "a", delayMs: 80 }, 0);
    expect(queue.nextDeadlineMs()).toBe(50);
    expect(keysOf(queue.advance(49))).toEqual([]);
    expect(keysOf(queue.advance(50))).toEqual(["a"]);
    expect(done(queue, "a", settled, 51)).toEqual([]);
    expect(queue.nextDeadlineMs()).toBe(Infinity);
  });

  it("keeps what others asked for although a run between them asked for nothing", () => {
    const queue = openQueue();
    queue.handle({ type: "addAfter", key: "a", delayMs: 100 }, 0);
    queue.handle({ type: "add", key: "a" }, 10);
    done(queue, "a", settled, 20);
    expect(queue.nextDeadlineMs()).toBe(100);
  });

  it("comes again after the time that a run asked for, never in the same moment", () => {
    const queue = openQueue();
    queue.handle({ type: "add", key: "a" }, 0);
    expect(done(queue, "a", { type: "after", delayMs: 0 }, 7)).toEqual([]);
    expect(queue.nextDeadlineMs()).toBe(8);
    expect(keysOf(queue.advance(8))).toEqual(["a"]);
  });

  it("drops what has not begun when it shuts down, and says when the last run has ended", () => {
    const queue = openQueue();
    for (const key of ["a", "b"]) queue.handle({ type: "add", key }, 0);
    queue.handle({ type: "addAfter", key: "c", delayMs: 5 }, 0);
    expect(queue.handle({ type: "shutdown" }, 1)).toEqual([]);
    expect(queue.handle({ type: "add", key: "d" }, 2)).toEqual([]);
    expect(queue.handle({ type: "done", key: "a", outcome: failed }, 3)).toEqual([
      { type: "drained" },
    ]);
    expect(queue.advance(1_000_000)).toEqual([]);
    expect(queue.handle({ type: "shutdown" }, 4)).toEqual([]);
    expect(queue.size).toBe(0);
  });

  it("is drained at once when nothing runs, opened or not", () => {
    const queue = new WorkQueue({ concurrency: 1 });
    expect(queue.handle({ type: "shutdown" }, 0)).toEqual([{ type: "drained" }]);
  });

  it("refuses bounds that are none, and the end of a run that is none", () => {
    expect(() => new WorkQueue({ concurrency: 0 })).toThrow(RangeError);
    expect(() => new WorkQueue({ concurrency: 1.5 })).toThrow(RangeError);
    const backwards = { baseMs: 10, maxMs: 5 };
    expect(() => new WorkQueue({ concurrency: 1, backoff: backwards })).toThrow(RangeError);
    expect(() => done(openQueue(), "a", settled, 0)).toThrow(/does not run/);
  });

  it("needs no more memory for a key that is delayed anew again and again", () => {
    const queue = openQueue();
    for (let nowMs = 0; nowMs < 10_000; nowMs++) {
      const [key = ""] = keysOf(queue.handle({ type: "add", key: "a" }, nowMs));
      done(queue, key, { type: "after", delayMs: 1_000_000 }, nowMs);
    }
    expect(queue.size).toBe(1);
    expect(queue.nextDeadlineMs()).toBe(9_999 + 1_000_000);
  });
});

/** A step of a random life: time passes, then something happens to one of few keys. */
interface Step {
  readonly passMs: number;
  readonly key: string;
  readonly what: "add" | "addAfter" | "end";
  readonly delayMs: number;
  readonly outcome: RunOutcome["type"];
}

const step: fc.Arbitrary<Step> = fc.record({
  passMs: fc.nat(40),
  key: fc.constantFrom("a", "b", "c", "d", "e"),
  what: fc.constantFrom("add", "addAfter", "end", "end"),
  delayMs: fc.nat(60),
  outcome: fc.constantFrom("settled", "after", "failed", "terminal"),
});

describe("a work queue under any inputs", () => {
  it("runs no key twice at once, no more than it has workers, and loses no key", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 3 }),
        (steps, n) => {
          const queue = openQueue(n);
          const running = new Set<string>();
          /** Keys that must run at some moment from now on. */
          const owed = new Set<string>();
          let nowMs = 0;
          const take = (effects: readonly QueueEffect[]): void => {
            for (const key of keysOf(effects)) {
              expect(running.has(key)).toBe(false);
              running.add(key);
              owed.delete(key);
            }
            expect(running.size).toBeLessThanOrEqual(n);
            // Nobody waits while a worker is free.
            if (queue.depth > 0) expect(running.size).toBe(n);
          };
          for (const { passMs, key, what, delayMs, outcome: type } of steps) {
            nowMs += passMs;
            take(queue.advance(nowMs));
            if (what === "add") {
              owed.add(key);
              take(queue.handle({ type: "add", key }, nowMs));
            } else if (what === "addAfter") {
              owed.add(key);
              take(queue.handle({ type: "addAfter", key, delayMs }, nowMs));
            } else {
              const [first] = running;
              if (first === undefined) continue;
              running.delete(first);
              const outcome: RunOutcome = type === "after" ? { type, delayMs } : { type };
              if (type === "after" || type === "failed") owed.add(first);
              take(queue.handle({ type: "done", key: first, outcome }, nowMs));
            }
          }
          // Let everything come to rest: every owed key has run, and nothing is remembered.
          for (let rounds = 0; rounds < 100 && (running.size > 0 || owed.size > 0); rounds++) {
            const [first] = running;
            if (first === undefined) {
              nowMs = Math.max(nowMs, queue.nextDeadlineMs());
              take(queue.advance(nowMs));
            } else {
              running.delete(first);
              take(queue.handle({ type: "done", key: first, outcome: settled }, nowMs));
            }
          }
          expect(owed).toEqual(new Set());
          expect(queue.runningCount).toBe(0);
        },
      ),
    );
  });
});
