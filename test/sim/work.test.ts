/**
 * The small size of the work simulation, and proof that its checkers see: each damages the engine
 * on purpose in a process of its own. The real size: `npm run sim -- work --seeds 2000`.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { brokenSource } from "./breaks/install-break.ts";
import { workBreaks } from "./breaks/work-breaks.ts";
import { runWorkSimulation } from "./work/scenario.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs the command in a process of its own. */
function runCommand(...args: readonly string[]): Promise<{
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ status: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

test("40 seeds of faults break no promise", () => {
  const facts = { kills: 0, breaks: 0, crashes: 0, shared: 0, late: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    const result = runWorkSimulation(seed);
    expect(result.violation, `seed ${String(seed)}`).toBeUndefined();
    facts.kills += result.facts.kills;
    facts.breaks += result.facts.breaks;
    facts.crashes += result.facts.crashes;
    facts.shared += result.facts.shared;
    facts.late += result.facts.late;
  }
  expect(facts.kills).toBeGreaterThan(40);
  expect(facts.breaks).toBeGreaterThan(40);
  expect(facts.crashes).toBeGreaterThan(40);
  // Turns of several inputs, and turns in which inputs meet what is due.
  expect(facts.shared).toBeGreaterThan(4_000);
  expect(facts.late).toBeGreaterThan(400);
});

test("the same seed gives the same run", () => {
  const [first, second] = [runWorkSimulation(7), runWorkSimulation(7)];
  expect(second).toEqual(first);
});

describe.concurrent("a damaged engine is noticed", () => {
  test.each(workBreaks)("$name by $checker", async ({ name, checker }) => {
    const run = await runCommand("work", "--seeds", "40", "--break", name);
    expect(run.status, run.stderr).toBe(1);
    expect(run.stdout).toMatch(new RegExp(`^seed \\d+: ${checker}: `, "m"));
  });

  test("a break whose text is gone is an error", () => {
    const [first] = workBreaks;
    if (first === undefined) throw new Error("no breaks");
    expect(() => brokenSource({ ...first, from: "text that stands nowhere" })).toThrow(
      "stands 0 times",
    );
  });
});

describe("the command", () => {
  test.each([
    { args: ["nothing"], says: "no simulation" },
    { args: ["work", "--seeds", "0"], says: "--seeds" },
    { args: ["work", "--break", "nothing"], says: "no break" },
  ])("refuses $args", async ({ args, says }) => {
    const run = await runCommand(...args);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(says);
  });

  test("ends with one line of counts", async () => {
    const run = await runCommand("work", "--seeds", "2");
    expect(run.stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^2 seeds, 0 violations, \d+ events, \d+\.\d s$/,
    );
    expect(run.status).toBe(0);
  });
});
