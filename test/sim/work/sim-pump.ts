/**
 * Drives an engine in simulated time as sidecar/runtime/turn-pump.ts does in real time: inputs are
 * gathered for a moment and given together. With `gatherMs` 0 every input comes in a turn of its
 * own, and what is due before it in another one.
 */
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { CancelEvent, World } from "../world.ts";

/** How the pumps of a run make turns. */
export interface TurnHabits {
  /** A turn lasts up to this long, and timers are late by up to it. 0: turns of one input. */
  readonly gatherMs: number;
  /**
   * As the real pump: calls and messages wait for the end of the turn, any other input ends it.
   * False: every input waits.
   */
  readonly asDriven: boolean;
}

/** What a pump needs of an engine. */
export interface PumpedEngine<Input, Effect> {
  begin(nowMs: number): void;
  take(input: Input, nowMs: number): void;
  finish(nowMs: number): readonly Effect[];
  nextDeadlineMs(): number;
}

/** What a pump works with. */
export interface SimPumpComponents<Input, Effect> {
  readonly world: World;
  readonly random: SeededRandom;
  readonly habits: TurnHabits;
  /** Names the engine in the history of the run. */
  readonly name: string;
  /** Inputs that the real pump gathers, by type. */
  readonly gathered: readonly string[];
  /** False once the process was killed. */
  readonly isAlive: () => boolean;
  /** Before an input is taken. */
  readonly beforeTake: (input: Input) => void;
  /** After an input was taken; undefined: after what was due. */
  readonly afterTake: (input: Input | undefined) => void;
  /** Looks at the turn, then carries its effects out. What they cause comes back by `handle`. */
  readonly afterTurn: (turn: {
    readonly inputs: readonly Input[];
    readonly effects: readonly Effect[];
    readonly due: boolean;
  }) => void;
}

/** How often a turn ends with the moment in which it began, whatever `gatherMs` is. */
const shortTurns = 0.3;

/** How often a timer is exact. */
const exactTimers = 0.5;

/** One engine and its timer. */
export class SimPump<Input extends { readonly type: string }, Effect> {
  readonly #engine: PumpedEngine<Input, Effect>;
  readonly #components: SimPumpComponents<Input, Effect>;
  #waiting: Input[] = [];
  #running = false;
  #cancelTurnEnd: CancelEvent | undefined;
  #wakeAtMs = Infinity;
  #cancelWake: CancelEvent = () => undefined;

  constructor(engine: PumpedEngine<Input, Effect>, components: SimPumpComponents<Input, Effect>) {
    this.#engine = engine;
    this.#components = components;
  }

  handle(input: Input): void {
    const { habits, world, random, gathered } = this.#components;
    this.#waiting.push(input);
    if (this.#running) return;
    const waits = habits.gatherMs > 0 && (!habits.asDriven || gathered.includes(input.type));
    if (!waits) {
      this.#run(false);
      return;
    }
    if (this.#cancelTurnEnd !== undefined) return;
    const lastsMs = random.chance(shortTurns) ? 0 : random.next() * habits.gatherMs;
    this.#cancelTurnEnd = world.after(lastsMs, () => {
      this.#run(false);
    });
  }

  #run(woken: boolean): void {
    this.#cancelTurnEnd?.();
    this.#cancelTurnEnd = undefined;
    const { world, habits, isAlive } = this.#components;
    if (!isAlive()) return;
    this.#running = true;
    let idle = woken;
    while ((idle || this.#waiting.length > 0) && isAlive()) {
      const due = this.#engine.nextDeadlineMs() <= world.nowMs;
      // What is due comes in a turn of its own, so that checkers see the input's own effects.
      const alone = habits.gatherMs === 0 && (due || idle);
      this.#turn(alone ? [] : this.#waiting.splice(0, habits.gatherMs === 0 ? 1 : Infinity), due);
      idle = false;
    }
    this.#running = false;
    this.#arm();
  }

  #turn(inputs: readonly Input[], due: boolean): void {
    const { world, name, beforeTake, afterTake, afterTurn } = this.#components;
    const { nowMs } = world;
    if (inputs.length > 1) world.note(() => `${name}: a turn of ${String(inputs.length)} inputs`);
    this.#engine.begin(nowMs);
    afterTake(undefined);
    for (const input of inputs) {
      beforeTake(input);
      this.#engine.take(input, nowMs);
      afterTake(input);
    }
    afterTurn({ inputs, effects: this.#engine.finish(nowMs), due });
  }

  #arm(): void {
    const { world, random, habits } = this.#components;
    const deadlineMs = this.#engine.nextDeadlineMs();
    if (deadlineMs === this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = deadlineMs;
    if (deadlineMs === Infinity) return;
    const late = habits.gatherMs > 0 && !random.chance(exactTimers);
    this.#cancelWake = world.at(deadlineMs + (late ? random.next() * habits.gatherMs : 0), () => {
      this.#wakeAtMs = Infinity;
      this.#run(true);
    });
  }
}
