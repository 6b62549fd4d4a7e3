/**
 * The simulations of operator/runtime, and proof that their checkers see: each damages the engine
 * on purpose. A red run prints its seed; the same seed gives the same run.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { type ElectionBreak, ElectionWorld } from "./runtime/election-world.ts";
import { type ListWatchBreak, ListWatchWorld } from "./runtime/list-watch-world.ts";

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

function listWatch(seed: number, brokenBy?: ListWatchBreak): string[] {
  const world = new ListWatchWorld(new SeededRandom(seed), brokenBy);
  world.run(300_000);
  return world.violations.map((violation) => `seed ${seed}: ${violation}`);
}

function election(seed: number, brokenBy?: ElectionBreak): string[] {
  const world = new ElectionWorld(new SeededRandom(seed), brokenBy);
  world.run(600_000);
  return world.violations.map((violation) => `seed ${seed}: ${violation}`);
}

describe("a list-watch before a server that fails", () => {
  it("ends with what the collection is, goes back to nothing, does not storm", () => {
    expect(seeds.flatMap((seed) => listWatch(seed).slice(0, 1))).toEqual([]);
  });

  it.each<ListWatchBreak>(["keepsDeleted", "hearsLateStreams", "waitsForSilence"])(
    "is caught when it is broken: %s",
    (brokenBy) => {
      expect(seeds.flatMap((seed) => listWatch(seed, brokenBy))).not.toEqual([]);
    },
  );
});

describe("an election among machines that stop and sleep", () => {
  it("never has two who may write, and ends with one who does", () => {
    expect(seeds.flatMap((seed) => election(seed).slice(0, 1))).toEqual([]);
  });

  it("changes its leader often enough to mean something", () => {
    const world = new ElectionWorld(new SeededRandom(1));
    world.run(600_000);
    expect(world.electedCount).toBeGreaterThan(10);
  });

  it.each<ElectionBreak>(["holdsForEver", "ignoresSleep"])(
    "is caught when it is broken: %s",
    (brokenBy) => {
      expect(seeds.flatMap((seed) => election(seed, brokenBy))).not.toEqual([]);
    },
  );
});
