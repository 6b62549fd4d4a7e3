import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../sidecar/runtime/logger.ts";
import { Shutdown } from "../../../../sidecar/runtime/shutdown.ts";
import { FakeTime } from "../../../support/fake-time.ts";

function fixture(): {
  time: FakeTime;
  shutdown: Shutdown;
  ended: string[];
  step: (name: string) => void;
} {
  const time = new FakeTime();
  const shutdown = new Shutdown({ timers: time, logger: silentLogger });
  const ended: string[] = [];
  const step = (name: string): void => {
    shutdown.add({ name, timeoutMs: 100, end: () => void ended.push(name) });
  };
  return { time, shutdown, ended, step };
}

describe("Shutdown", () => {
  test("ends last what was started first, once", async () => {
    const { shutdown, ended, step, time } = fixture();
    step("a");
    step("b");
    expect(shutdown.begun).toBe(false);
    const both = await Promise.all([shutdown.run(), shutdown.run()]);
    expect(both).toEqual([true, true]);
    expect(ended).toEqual(["b", "a"]);
    expect(time.timerCount).toBe(0);
  });

  test("a step that fails or throws at once costs only itself", async () => {
    const { shutdown, ended, step } = fixture();
    step("a");
    shutdown.add({ name: "b", timeoutMs: 100, end: () => Promise.reject(new Error("no")) });
    shutdown.add({
      name: "c",
      timeoutMs: 100,
      end: () => {
        throw new Error("no");
      },
    });
    expect(await shutdown.run()).toBe(false);
    expect(ended).toEqual(["a"]);
  });

  test("a step that hangs costs its time", async () => {
    const { shutdown, ended, step, time } = fixture();
    step("a");
    shutdown.add({ name: "b", timeoutMs: 50, end: () => new Promise(() => undefined) });
    const run = shutdown.run();
    await time.elapse(49);
    expect(ended).toEqual([]);
    await time.elapse(1);
    expect(await run).toBe(false);
    expect(ended).toEqual(["a"]);
  });

  test("nothing can be started once it has begun", async () => {
    const { shutdown, step } = fixture();
    await shutdown.run();
    expect(() => step("late")).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });
});
