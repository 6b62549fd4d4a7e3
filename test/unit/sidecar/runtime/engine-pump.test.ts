import { describe, expect, it } from "vitest";
import { type Engine, EnginePump } from "../../../../sidecar/runtime/engine-pump.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

/** Answers each input with itself, and `tick` at its deadline. */
class Echo implements Engine<string, string> {
  deadlineMs = Infinity;
  entered = false;

  handle(input: string): readonly string[] {
    if (this.entered) throw new Error("entered twice");
    return [input];
  }

  nextDeadlineMs(): number {
    return this.deadlineMs;
  }

  advance(): readonly string[] {
    this.deadlineMs = Infinity;
    return ["tick"];
  }
}

function pumpOf(engine: Echo, perform: (effect: string) => void) {
  const clock = new FakeClock();
  const timers: { atMs: number; fire: () => void }[] = [];
  const after = (delayMs: number, fire: () => void): (() => void) => {
    const timer = { atMs: clock.nowMs() + delayMs, fire };
    timers.push(timer);
    return () => timers.splice(timers.indexOf(timer), 1);
  };
  const pump = new EnginePump<string, string>(engine, { clock, timers: { after }, perform });
  return { pump, clock, timers };
}

describe("EnginePump", () => {
  it("carries out the effects of an input that arises in an effect after those before it", () => {
    const seen: string[] = [];
    const { pump } = pumpOf(new Echo(), (effect) => {
      seen.push(`${effect}>`);
      if (effect === "a") pump.handle("b");
      seen.push(`<${effect}`);
    });
    pump.handle("a");
    expect(seen).toEqual(["a>", "<a", "b>", "<b"]);
  });

  it("advances the engine at its deadline", () => {
    const seen: string[] = [];
    const engine = new Echo();
    const { pump, clock, timers } = pumpOf(engine, (effect) => seen.push(effect));
    engine.deadlineMs = clock.nowMs() + 50;
    pump.handle("a");
    expect(timers).toHaveLength(1);
    clock.advance(50);
    timers[0]?.fire();
    expect(seen).toEqual(["a", "tick"]);
  });

  it("carries nothing out once it is closed, also not what is under way", () => {
    const seen: string[] = [];
    const engine = new Echo();
    const { pump, clock, timers } = pumpOf(engine, (effect) => seen.push(effect));
    engine.deadlineMs = clock.nowMs() + 50;
    pump.handle("a");
    pump.close();
    pump.handle("b");
    expect(timers).toHaveLength(0);
    expect(seen).toEqual(["a"]);
  });

  it("goes on after an effect that threw", () => {
    const seen: string[] = [];
    const { pump } = pumpOf(new Echo(), (effect) => {
      if (effect === "bad") throw new Error("no");
      seen.push(effect);
    });
    expect(() => pump.handle("bad")).toThrow("no");
    pump.handle("good");
    expect(seen).toEqual(["good"]);
  });
});
