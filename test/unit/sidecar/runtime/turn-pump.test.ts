import { describe, expect, it } from "vitest";
import { type TurnEngine, TurnPump } from "../../../../sidecar/runtime/turn-pump.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

/** Says at the end of a turn what came in it; fails at `bad`. */
class Echo implements TurnEngine<string, string> {
  deadlineMs = Infinity;
  #turn: string[] | undefined;

  begin(): void {
    if (this.#turn !== undefined) throw new Error("entered twice");
    this.deadlineMs = Infinity;
    this.#turn = [];
  }

  take(input: string): void {
    if (input === "bad") throw new Error("no");
    this.#turn?.push(input);
  }

  finish(): readonly string[] {
    const turn = this.#turn ?? [];
    this.#turn = undefined;
    return turn.length > 0 ? [turn.join("+")] : ["tick"];
  }

  nextDeadlineMs(): number {
    return this.deadlineMs;
  }
}

function rig(perform: (effect: string) => void = () => undefined) {
  const clock = new FakeClock();
  const engine = new Echo();
  const timers: { fire: () => void }[] = [];
  const turns: (() => void)[] = [];
  const seen: string[] = [];
  const failures: (string | undefined)[] = [];
  const pump = new TurnPump<string, string>(engine, {
    clock,
    maxInputs: 32,
    timers: {
      after: (_delayMs, fire) => {
        const timer = { fire };
        timers.push(timer);
        return () => timers.splice(timers.indexOf(timer), 1);
      },
    },
    afterTurn: (callback) => turns.push(callback),
    perform: (effect) => {
      seen.push(effect);
      perform(effect);
    },
    flush: () => {
      seen.push("flush");
      perform("flush");
    },
    onFailure: (_error, input) => failures.push(input),
  });
  const endTurn = (): void => {
    for (const turn of turns.splice(0)) turn();
  };
  return { clock, engine, timers, turns, seen, failures, pump, endTurn };
}

describe("TurnPump", () => {
  it("gives the engine all inputs of a turn at once", () => {
    const { pump, seen, turns, endTurn } = rig();
    pump.later("a");
    pump.later("b");
    expect(seen).toEqual([]);
    expect(turns).toHaveLength(1);
    endTurn();
    expect(seen).toEqual(["a+b"]);
  });

  it("does not wait with an input that cannot, nor with those before it", () => {
    const { pump, seen, endTurn } = rig();
    pump.later("a");
    pump.handle("b");
    expect(seen).toEqual(["a+b"]);
    endTurn();
    expect(seen).toEqual(["a+b"]);
  });

  it("takes what effects cause as a turn of its own, after them", () => {
    const { pump, seen } = rig((effect) => {
      if (effect !== "a") return;
      pump.later("b");
      pump.handle("c");
    });
    pump.handle("a");
    expect(seen).toEqual(["a", "flush", "b+c"]);
  });

  it("has a turn without inputs at the engine's deadline", () => {
    const { pump, seen, engine, clock, timers } = rig(() => undefined);
    const deadlineMs = clock.nowMs() + 50;
    engine.finish = () => {
      engine.deadlineMs = clock.nowMs() < deadlineMs ? deadlineMs : Infinity;
      return Echo.prototype.finish.call(engine);
    };
    pump.handle("a");
    expect(timers).toHaveLength(1);
    clock.advance(50);
    timers[0]?.fire();
    expect(seen).toEqual(["a", "tick"]);
    expect(timers).toHaveLength(0);
  });

  it("has several turns for many inputs, and what one said goes out before the next", () => {
    const { pump, seen, endTurn } = rig();
    const inputs = Array.from({ length: 70 }, (_, index) => String(index));
    for (const input of inputs) pump.later(input);
    endTurn();
    expect(seen).toEqual([
      inputs.slice(0, 32).join("+"),
      "flush",
      inputs.slice(32, 64).join("+"),
      "flush",
      inputs.slice(64).join("+"),
    ]);
  });

  it("says of each input that it failed when a turn has no end", () => {
    const { pump, seen, engine, failures, endTurn } = rig();
    engine.finish = () => {
      throw new Error("no");
    };
    pump.later("a");
    pump.later("b");
    endTurn();
    expect(failures).toEqual(["a", "b"]);
    expect(seen).toEqual([]);
  });

  it("goes on after what was said could not go out", () => {
    const { pump, seen, failures } = rig((effect) => {
      if (effect === "a") pump.handle("b");
      if (effect === "flush") throw new Error("no");
    });
    pump.handle("a");
    expect(seen).toEqual(["a", "flush", "b"]);
    expect(failures).toEqual([undefined]);
  });

  it("is not held up for ever by a failure that could not be told", () => {
    const { pump, seen, failures } = rig();
    const push = failures.push.bind(failures);
    failures.push = () => {
      throw new Error("no log");
    };
    expect(() => {
      pump.handle("bad");
    }).toThrow("no log");
    failures.push = push;
    pump.handle("a");
    expect(seen).toContain("a");
  });

  it("takes the inputs of a turn whose beginning failed", () => {
    const { pump, seen, engine, failures } = rig();
    engine.begin = () => {
      throw new Error("no");
    };
    pump.handle("a");
    expect(failures).toEqual([undefined]);
    expect(seen).toEqual(["tick"]);
  });

  it("goes on with the next input after one that failed, and tells which", () => {
    const { pump, seen, failures, endTurn } = rig();
    pump.later("a");
    pump.later("bad");
    pump.later("b");
    endTurn();
    expect(seen).toEqual(["a+b"]);
    expect(failures).toEqual(["bad"]);
  });

  it("goes on after an effect that could not be carried out", () => {
    const { pump, seen, failures } = rig((effect) => {
      if (effect === "a") throw new Error("no");
    });
    pump.handle("a");
    pump.handle("b");
    expect(seen).toEqual(["a", "b"]);
    expect(failures).toEqual([undefined]);
  });

  it("carries nothing out once it is closed, also not what waits", () => {
    const { pump, seen, endTurn } = rig();
    pump.later("a");
    pump.close();
    pump.later("b");
    pump.handle("c");
    endTurn();
    expect(seen).toEqual([]);
  });
});
