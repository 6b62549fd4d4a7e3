import { describe, expect, it } from "vitest";
import { SleepDetector } from "../../../../operator/runtime/sleep-detector.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function detector() {
  const clock = new FakeClock();
  let aheadMs = 1_700_000_000_000;
  const wallClock = { nowEpochMs: () => clock.nowMs() + aheadMs };
  const sleep = new SleepDetector(clock, wallClock);
  const shift = (ms: number): void => {
    aheadMs += ms;
  };
  return { clock, sleep, shift };
}

describe("a sleep detector", () => {
  it("sees nothing while both clocks run", () => {
    const { clock, sleep } = detector();
    clock.advance(3_600_000);
    expect(sleep.sleptMs()).toBe(0);
  });

  it("tells once what only the wall clock counted", () => {
    const { sleep, shift } = detector();
    shift(20_000);
    expect(sleep.sleptMs()).toBe(20_000);
    expect(sleep.sleptMs()).toBe(0);
  });

  it("takes small corrections and a clock that was set back for nothing", () => {
    const { sleep, shift } = detector();
    shift(900);
    expect(sleep.sleptMs()).toBe(0);
    shift(-3_600_000);
    expect(sleep.sleptMs()).toBe(0);
    shift(5_000);
    expect(sleep.sleptMs()).toBe(5_000);
  });
});
