import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../../sidecar/runtime/scheduler.ts";
import { FakeTime } from "../../../support/fake-time.ts";

/** An engine that is only a deadline; it is woken, notes the time, and goes idle. */
function fixture(): {
  time: FakeTime;
  engine: { deadlineMs: number };
  woken: number[];
  scheduler: Scheduler;
} {
  const time = new FakeTime(0);
  const engine = { deadlineMs: Infinity };
  const woken: number[] = [];
  const scheduler = new Scheduler({
    clock: time,
    timers: time,
    nextDeadlineMs: () => engine.deadlineMs,
    onDeadline: (nowMs) => {
      woken.push(nowMs);
      engine.deadlineMs = Infinity;
    },
  });
  return { time, engine, woken, scheduler };
}

describe("Scheduler", () => {
  test("holds no timer for an idle engine", () => {
    const { time, scheduler } = fixture();
    scheduler.arm();
    expect(time.timerCount).toBe(0);
  });

  test("wakes the engine at its deadline with one timer, however often it is armed", async () => {
    const { time, engine, woken, scheduler } = fixture();
    engine.deadlineMs = 50;
    for (let call = 0; call < 10; call++) scheduler.arm();
    expect(time.timerCount).toBe(1);
    await time.elapse(100);
    expect(woken).toEqual([50]);
    expect(time.timerCount).toBe(0);
  });

  test("follows a deadline that moves, either way, and one that goes away", async () => {
    const { time, engine, woken, scheduler } = fixture();
    engine.deadlineMs = 50;
    scheduler.arm();
    engine.deadlineMs = 20;
    scheduler.arm();
    await time.elapse(30);
    expect(woken).toEqual([20]);
    engine.deadlineMs = 60;
    scheduler.arm();
    engine.deadlineMs = Infinity;
    scheduler.arm();
    await time.elapse(100);
    expect(woken).toEqual([20]);
  });

  test("arms again by itself for what the engine wants next", async () => {
    const { time, engine, scheduler } = fixture();
    const woken: number[] = [];
    const chain = new Scheduler({
      clock: time,
      timers: time,
      nextDeadlineMs: () => engine.deadlineMs,
      onDeadline: (nowMs) => {
        woken.push(nowMs);
        engine.deadlineMs = nowMs >= 30 ? Infinity : nowMs + 10;
      },
    });
    engine.deadlineMs = 10;
    chain.arm();
    await time.elapse(100);
    expect(woken).toEqual([10, 20, 30]);
    scheduler.close();
  });

  test("does not spin on a deadline between two milliseconds", async () => {
    const { time, engine, woken, scheduler } = fixture();
    engine.deadlineMs = 10.4;
    scheduler.arm();
    await time.elapse(100);
    expect(woken).toEqual([11]);
  });

  test("a deadline in the past is now", async () => {
    const { time, engine, woken, scheduler } = fixture();
    await time.elapse(10);
    engine.deadlineMs = 3;
    scheduler.arm();
    await time.elapse(0);
    expect(woken).toEqual([10]);
  });

  test("only arms again when a timer comes before the deadline", () => {
    const time = new FakeTime(0);
    const callbacks: (() => void)[] = [];
    const woken: number[] = [];
    const scheduler = new Scheduler({
      clock: time,
      timers: {
        after: (_delayMs, callback) => {
          callbacks.push(callback);
          return () => undefined;
        },
      },
      nextDeadlineMs: () => 1_000,
      onDeadline: (nowMs) => woken.push(nowMs),
    });
    scheduler.arm();
    callbacks[0]?.();
    expect(woken).toEqual([]);
    expect(callbacks).toHaveLength(2);
  });

  test("is silent once closed", async () => {
    const { time, engine, woken, scheduler } = fixture();
    engine.deadlineMs = 10;
    scheduler.arm();
    scheduler.close();
    scheduler.arm();
    await time.elapse(50);
    expect(woken).toEqual([]);
    expect(time.timerCount).toBe(0);
  });
});
