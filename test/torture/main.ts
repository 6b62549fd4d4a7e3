/** `npm run torture -- NAME --kills N`: faults on real processes; the last line has every count. */
import { parseArgs } from "node:util";
import { tortureThumbnails } from "./thumbnails.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "30" },
    uploads: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
  },
});

if (positionals.join() !== "thumbnails") {
  process.stderr.write(
    "usage: npm run torture -- thumbnails [--kills N] [--uploads N] [--seed N]\n",
  );
  process.exit(2);
}

const report = await tortureThumbnails({
  uploads: Number(values.uploads),
  kills: Number(values.kills),
  killEveryMs: 2_000,
  seed: Number(values.seed),
});
for (const wrong of report.wrong) process.stdout.write(`wrong: ${wrong}\n`);
for (const [name, mib] of Object.entries(report.peakMiB)) {
  process.stdout.write(`peak memory of ${name}'s sidecar: ${String(mib)} MiB\n`);
}
const { uploads, right, kills, killsWithLease, killsOfSidecars, doubled, slowestMs } = report;
process.stdout.write(
  `${String(uploads)} uploads, ${String(right)} right, ${String(doubled)} doubled, ` +
    `${String(kills)} kills (${String(killsOfSidecars)} of sidecars, ` +
    `${String(killsWithLease)} with a lease held), slowest ${String(slowestMs)} ms\n`,
);
process.exitCode = right === uploads && doubled === 0 && slowestMs <= 40_000 ? 0 : 1;
