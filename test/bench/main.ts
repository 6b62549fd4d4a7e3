/**
 * `npm run bench -- NAME [--size small|real] [--json FILE]`: runs one benchmark, prints its table
 * and saves it. Exit 0 also when a goal is missed (the file says so), 1 when it could not run.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { type BenchReport, type BenchRun, renderReport } from "./report.ts";

/** Each benchmark is a folder whose `index.ts` has `runBench`. */
const benches: Readonly<Record<string, () => Promise<{ runBench: BenchRun }>>> = {
  control: () => import("./control/index.ts"),
  operator: () => import("./operator/index.ts"),
  sidecar: () => import("./sidecar/index.ts"),
  transport: () => import("./transport/index.ts"),
  work: () => import("./work/index.ts"),
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { size: { type: "string", default: "real" }, json: { type: "string" } },
  });
  const [name = ""] = positionals;
  const load = benches[name];
  const { size } = values;
  if (load === undefined || (size !== "small" && size !== "real")) {
    process.stderr.write(
      `usage: npm run bench -- NAME [--size small|real] [--json FILE]; ` +
        `NAME is one of ${Object.keys(benches).join(", ")}\n`,
    );
    return 1;
  }
  const { runBench } = await load();
  const outcome = await runBench(size, (line) => process.stderr.write(`${line}\n`));
  const report: BenchReport = { bench: name, size, machine: describeMachine(), ...outcome };
  process.stdout.write(renderReport(report));
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  },
);
