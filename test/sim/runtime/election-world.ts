/**
 * Candidates for one lease, on machines that stop, sleep and lose answers. The checker asks at
 * every moment who may write: never two.
 */
import {
  type ElectionEffect,
  type ElectionInput,
  LeaseElector,
  type LeaseNote,
} from "../../../operator/runtime/core/lease-elector.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { Schedule } from "./schedule.ts";

/** An elector that is broken on purpose, to show that the checkers see it. */
export type ElectionBreak = "holdsForEver" | "ignoresSleep";

/** Believes to lead until it is told otherwise. */
class HoldsForEver extends LeaseElector {
  #leads = false;

  override handle(input: ElectionInput, nowMs: number): ElectionEffect[] {
    return this.#note(super.handle(input, nowMs));
  }

  override isLeader(): boolean {
    return this.#leads;
  }

  #note(effects: ElectionEffect[]): ElectionEffect[] {
    for (const { type } of effects) {
      if (type === "elected") this.#leads = true;
      if (type === "lost") this.#leads = false;
    }
    return effects;
  }
}

interface Candidate {
  readonly identity: string;
  elector: LeaseElector;
  /** Its clock minus the simulation's, ms. */
  offsetMs: number;
  /** Stopped: what comes waits. */
  stoppedUntilMs: number;
  wakeAtMs: number;
  /** A new process has a new number; what belongs to an old one is dropped. */
  life: number;
}

const timeoutMs = 4_000;

/** See the head of the file. */
export class ElectionWorld {
  /** What the checkers found. */
  readonly violations: string[] = [];
  readonly schedule = new Schedule();
  /** How often somebody was elected. */
  electedCount = 0;
  readonly #random: SeededRandom;
  readonly #brokenBy: ElectionBreak | undefined;
  readonly #candidates: Candidate[];
  #note: LeaseNote | undefined;
  #version = 0;
  #faults = true;

  constructor(random: SeededRandom, brokenBy?: ElectionBreak) {
    this.#random = random;
    this.#brokenBy = brokenBy;
    this.#candidates = ["one", "two", "three"].map((identity) => ({
      identity,
      elector: this.#elector(identity),
      offsetMs: random.integer(0, 1e6),
      stoppedUntilMs: 0,
      wakeAtMs: Infinity,
      life: 0,
    }));
  }

  /** Lives through `faultyMs` of faults, then through calm, in which somebody must lead. */
  run(faultyMs: number): void {
    for (const candidate of this.#candidates) this.#tell(candidate, { type: "start" });
    this.#disturb();
    this.#watch();
    this.schedule.runUntil(faultyMs);
    this.#faults = false;
    this.schedule.runUntil(faultyMs + 60_000);
    const leaders = this.#leaders();
    if (leaders.length !== 1) this.#fail(`in calm ${leaders.length} lead`);
  }

  #elector(identity: string): LeaseElector {
    const Elector = this.#brokenBy === "holdsForEver" ? HoldsForEver : LeaseElector;
    return new Elector(identity, {}, this.#random.fork());
  }

  #fail(what: string): void {
    this.violations.push(`at ${Math.round(this.schedule.nowMs)} ms: ${what}`);
  }

  #leaders(): string[] {
    // Who stands still writes nothing; the first thing after it is to notice how long it was.
    return this.#candidates
      .filter(({ stoppedUntilMs }) => stoppedUntilMs < this.schedule.nowMs)
      .filter(({ elector, offsetMs }) => elector.isLeader(this.schedule.nowMs + offsetMs))
      .map(({ identity }) => identity);
  }

  /** Asks often: between two events somebody's time may have run out. */
  #watch(): void {
    const leaders = this.#leaders();
    if (leaders.length > 1) this.#fail(`${leaders.join(" and ")} lead at once`);
    this.schedule.after(100, () => {
      this.#watch();
    });
  }

  #disturb(): void {
    if (!this.#faults) return;
    const random = this.#random;
    const candidate = random.pick(this.#candidates);
    const what = random.pick(["stop", "stop", "sleep", "restart", "release"] as const);
    if (candidate.stoppedUntilMs >= this.schedule.nowMs) {
      // One disturbance at a time.
    } else if (what === "stop") {
      candidate.stoppedUntilMs = this.schedule.nowMs + random.integer(1_000, 30_000);
    } else if (what === "sleep") {
      this.#sleep(candidate, random.integer(2_000, 40_000));
    } else if (what === "restart") {
      this.#restart(candidate);
    } else {
      this.#tell(candidate, { type: "release" });
    }
    this.schedule.after(random.integer(500, 15_000), () => {
      this.#disturb();
    });
  }

  /** The machine stands still with its clock; at its wake-up the first thing is to notice it. */
  #sleep(candidate: Candidate, sleptMs: number): void {
    const { life } = candidate;
    candidate.stoppedUntilMs = this.schedule.nowMs + sleptMs;
    candidate.offsetMs -= sleptMs;
    // Planned before anything that waits for the same moment.
    this.schedule.at(candidate.stoppedUntilMs, () => {
      if (candidate.life !== life || this.#brokenBy === "ignoresSleep") return;
      this.#tell(candidate, { type: "slept", sleptMs });
    });
  }

  #restart(candidate: Candidate): void {
    candidate.life += 1;
    candidate.elector = this.#elector(candidate.identity);
    candidate.wakeAtMs = Infinity;
    this.schedule.after(this.#random.integer(100, 3_000), () => {
      this.#tell(candidate, { type: "start" });
    });
  }

  #tell(candidate: Candidate, input: ElectionInput): void {
    this.#whenAwake(candidate, (nowMs) => {
      this.#carryOut(candidate, candidate.elector.handle(input, nowMs));
    });
  }

  /** What comes for a stopped process waits until it goes on; what comes for a dead one is gone. */
  #whenAwake(candidate: Candidate, then: (nowMs: number) => void): void {
    const { life, stoppedUntilMs } = candidate;
    if (stoppedUntilMs > this.schedule.nowMs) {
      this.schedule.at(stoppedUntilMs, () => {
        if (candidate.life === life) this.#whenAwake(candidate, then);
      });
      return;
    }
    then(this.schedule.nowMs + candidate.offsetMs);
  }

  #carryOut(candidate: Candidate, effects: readonly ElectionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "look" || effect.type === "write") this.#ask(candidate, effect);
      else if (effect.type === "elected") this.electedCount += 1;
      // The process exits and is started again.
      else if (effect.type === "ended") this.#restart(candidate);
    }
    this.#arm(candidate);
  }

  #arm(candidate: Candidate): void {
    const { life, offsetMs } = candidate;
    const atMs = Math.max(this.schedule.nowMs, candidate.elector.nextDeadlineMs() - offsetMs);
    if (atMs >= candidate.wakeAtMs) return;
    candidate.wakeAtMs = atMs;
    this.schedule.at(atMs, () => {
      if (candidate.life !== life) return;
      this.#whenAwake(candidate, () => {
        // After a stop much is overdue: timers come after what the network brought.
        const lateMs = this.schedule.nowMs > atMs ? this.#random.integer(0, 400) : 0;
        this.schedule.after(lateMs, () => {
          if (candidate.life === life) this.#wake(candidate);
        });
      });
    });
  }

  #wake(candidate: Candidate): void {
    this.#whenAwake(candidate, (nowMs) => {
      candidate.wakeAtMs = Infinity;
      this.#carryOut(candidate, candidate.elector.advance(nowMs));
    });
  }

  /** A request: late, lost on the way there, or lost on the way back. */
  #ask(candidate: Candidate, effect: Extract<ElectionEffect, { type: "look" | "write" }>): void {
    const random = this.#random;
    const { life } = candidate;
    const answer = (delayMs: number, input: ElectionInput): void => {
      this.schedule.after(delayMs, () => {
        if (candidate.life === life) this.#tell(candidate, input);
      });
    };
    const late = this.#faults && random.chance(0.1);
    const thereMs = late ? random.integer(100, 3_500) : random.integer(1, 20);
    const lostThere = this.#faults && random.chance(0.05);
    const lostBack = this.#faults && random.chance(0.05);
    if (lostThere) {
      answer(timeoutMs, { type: "failed", conflict: false });
      return;
    }
    // Most requests that a crashed process had sent still arrive.
    this.schedule.after(thereMs, () => {
      const input = this.#serve(candidate.identity, effect);
      if (lostBack) answer(timeoutMs - thereMs, { type: "failed", conflict: false });
      else answer(random.integer(1, late ? 400 : 20), input);
    });
  }

  #serve(
    identity: string,
    effect: Extract<ElectionEffect, { type: "look" | "write" }>,
  ): ElectionInput {
    if (effect.type === "look") return { type: "seen", note: this.#note };
    if (effect.resourceVersion !== this.#note?.resourceVersion) {
      return { type: "failed", conflict: true };
    }
    this.#version += 1;
    const releases = effect.purpose === "release";
    this.#note = {
      holder: releases ? "" : identity,
      durationMs: releases ? 1_000 : 15_000,
      resourceVersion: `${this.#version}`,
    };
    return { type: "written", note: this.#note };
  }
}
