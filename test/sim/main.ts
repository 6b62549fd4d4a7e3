/**
 * `npm run sim -- NAME --seeds N [--seed FIRST] [--break SWITCH]`: runs a simulation over many
 * seeds. Last line: `N seeds, V violations, E events, S s`. A violation prints its seed, checker
 * and the last 50 events; exit 1. `--break` damages the engine on purpose, to show that a checker
 * sees it.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { installBreak } from "./breaks/install-break.ts";
import { workBreaks } from "./breaks/work-breaks.ts";
import type { SimResult } from "./work/scenario.ts";

/** A simulation by name: its breaks, and how to load it (after a break was installed). */
const simulations = {
  work: {
    breaks: workBreaks,
    load: async () => (await import("./work/scenario.ts")).runWorkSimulation,
  },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      break: { type: "string" },
    },
  });
  const name = positionals[0] ?? "";
  if (!isSimulation(name)) {
    return usage(`no simulation "${name}"; there is: ${Object.keys(simulations).join(", ")}`);
  }
  const count = Number(values.seeds);
  const first = Number(values.seed);
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(first) || first < 0) {
    return usage("--seeds must be 1 or more, --seed 0 or more");
  }
  const { breaks, load } = simulations[name];
  if (values.break !== undefined) {
    const found = breaks.find(({ name: known }) => known === values.break);
    if (found === undefined) {
      return usage(
        `no break "${values.break}"; there are: ${breaks.map((b) => b.name).join(", ")}`,
      );
    }
    installBreak(found);
    return runSeeds(await load(), { first, count, until: found.checker });
  }
  return runSeeds(await load(), { first, count, until: undefined });
}

/** @param plan.until a damaged engine is shown: stop when this checker has seen it. */
function runSeeds(
  run: (seed: number) => SimResult,
  plan: { readonly first: number; readonly count: number; readonly until: string | undefined },
): number {
  const { first, count } = plan;
  const startedMs = performance.now();
  let violations = 0;
  let events = 0;
  let done = 0;
  for (let seed = first; seed < first + count; seed++) {
    done += 1;
    const result = run(seed);
    events += result.events;
    if (result.violation !== undefined) {
      violations += 1;
      const { checker, message, history } = result.violation;
      print([`seed ${String(seed)}: ${checker}: ${message}`]);
      print(history.map((line) => `  ${line}`));
      if (checker === plan.until) break;
    }
    if (done % 200 === 0 && done < count) print([`${String(done)} seeds`]);
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  print([
    `${String(done)} seeds, ${String(violations)} violations, ${String(events)} events, ${seconds} s`,
  ]);
  return violations > 0 ? 1 : 0;
}

function isSimulation(name: string): name is keyof typeof simulations {
  return Object.hasOwn(simulations, name);
}

function usage(problem: string): number {
  process.stderr.write(
    `${problem}\nnpm run sim -- NAME --seeds N [--seed FIRST] [--break SWITCH]\n`,
  );
  return 2;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

process.exitCode = await main();
