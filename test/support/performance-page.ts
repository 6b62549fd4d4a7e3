/**
 * docs/performance.md and its picture, made from saved reports: `npm run bench -- NAME --json
 * docs/figures/NAME.json`, then `npm run docs`. Nobody writes a figure by hand.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "../tidy/tree.ts";
import { type BenchReport, figure } from "../bench/report.ts";
import { table } from "./page-table.ts";

/** What each benchmark asks, in the order of the page. */
const questions: Readonly<Record<string, string>> = {
  operator: "What the operator costs, with no resource and with many, and how soon it answers.",
  control: "What sidecars on one operator cost, and how soon a change has reached all of them.",
  sidecar: "What a sidecar costs that has nothing to do, and how long it takes to be ready.",
  transport: "A message on a peer lane, with mutual TLS, beside plain TCP and gRPC.",
  work: "An item from end to end, beside two queue servers.",
};

/** Finds the report of a benchmark; undefined when none is saved. */
export type FindReport = (name: string) => BenchReport | undefined;

function savedReport(name: string): BenchReport | undefined {
  const path = join(top, "docs/figures", `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as BenchReport) : undefined;
}

function section(name: string, question: string, report: BenchReport): string {
  const { machine } = report;
  const goals = report.ratios.map(({ name: goal, value, goal: bound, met }) => [
    goal,
    figure(value),
    bound,
    met ? "met" : "missed",
  ]);
  const rows = report.rows.map((row) => [row.case, row.system, figure(row.median), row.unit]);
  return `## ${name[0]?.toUpperCase() ?? ""}${name.slice(1)}

${question} \`npm run bench -- ${name}\`, size ${report.size}; ${machine.cpu}, ${machine.cores} cores, Node
${machine.node}, Linux ${machine.kernel}.

${table(["goal", "value", "bound", ""], goals)}

${table(["case", "system", "median", "unit"], rows)}
`;
}

/**
 * @param made its first line.
 * @returns docs/performance.md: a section for each benchmark with a report.
 */
export function performancePage(made: string, reportOf: FindReport = savedReport): string {
  const sections = Object.entries(questions).flatMap(([name, question]) => {
    const report = reportOf(name);
    return report === undefined ? [] : [section(name, question, report)];
  });
  return `${made}

# Performance

Figures of one machine on one day: run them on yours. Ratios within a run say more than absolute numbers.
Each benchmark's method stands at the head of its folder in \`test/bench\`.

![Each goal, as a share of its bound](images/performance.svg)

${sections.join("\n")}`;
}

const barWidth = 320;
const rowHeight = 18;
const labelWidth = 330;

/** @returns docs/images/performance.svg: how near each figure is to its bound. */
export function performancePicture(reportOf: FindReport = savedReport): string {
  const goals = Object.keys(questions).flatMap((name) =>
    (reportOf(name)?.ratios ?? [])
      .filter(({ goal }) => Number(goal.split(" ")[1]) > 0)
      .map((goal) => ({ ...goal, name: `${name}: ${goal.name}` })),
  );
  const bars = goals.map(({ name, value, goal, met }, index) => {
    const bound = Number(goal.split(" ")[1]);
    // 1 is the bound; less is better for all, so that one look is enough.
    const share = Math.min(goal.startsWith("<") ? value / bound : bound / value, 2);
    const y = 30 + index * rowHeight;
    const width = ((share * barWidth) / 2).toFixed(1);
    const text = name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return [
      `<text x="${labelWidth - 6}" y="${y + 11}" text-anchor="end">${text}</text>`,
      `<rect x="${labelWidth}" y="${y + 2}" width="${width}" height="${rowHeight - 6}" fill="${met ? "#2a7" : "#c54"}"/>`,
    ].join("\n");
  });
  const height = 40 + goals.length * rowHeight;
  const boundX = labelWidth + barWidth / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${labelWidth + barWidth + 10}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${boundX}" y="18" text-anchor="middle">the bound; a shorter bar is better</text>
${bars.join("\n")}
<line x1="${boundX}" x2="${boundX}" y1="24" y2="${height - 6}" stroke="#333" stroke-dasharray="3 3"/>
</svg>
`;
}
