import type { Machine } from "./machine.ts";

/**
 * How much is measured: `small` runs in CI within 60 s, `real` gives the figures that are quoted.
 */
export type BenchSize = "small" | "real";

/** One system in one case. */
export interface BenchRow {
  readonly case: string;
  readonly system: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** A figure that has a goal. */
export interface BenchRatio {
  readonly name: string;
  readonly value: number;
  /** `>= 0.6` or `<= 1.5`. */
  readonly goal: string;
  readonly met: boolean;
}

/** What a benchmark found. */
export interface BenchOutcome {
  readonly rows: readonly BenchRow[];
  readonly ratios: readonly BenchRatio[];
}

/** What is saved. */
export interface BenchReport extends BenchOutcome {
  readonly bench: string;
  readonly size: BenchSize;
  readonly machine: Machine;
}

/** A benchmark. @param progress gets lines for a person. */
export type BenchRun = (size: BenchSize, progress: (line: string) => void) => Promise<BenchOutcome>;

/** @returns a row from single runs. */
export function summarise(
  row: Pick<BenchRow, "case" | "system" | "unit">,
  values: readonly number[],
): BenchRow {
  const sorted = [...values].sort((left, right) => left - right);
  return {
    ...row,
    median: medianOf(sorted),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    runs: sorted.length,
  };
}

/** @returns a ratio, compared with its goal. */
export function ratio(name: string, value: number, goal: Goal): BenchRatio {
  const [relation = "", bound] = goal.split(" ");
  return { name, value, goal, met: relations[relation]?.(value, Number(bound)) === true };
}

/** What a value is to be. */
type Goal = `${">=" | "<=" | "<"} ${number}`;

const relations: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  ">=": (value, bound) => value >= bound,
  "<=": (value, bound) => value <= bound,
  "<": (value, bound) => value < bound,
};

/** @returns the tables of a report, for a terminal. */
export function renderReport(report: BenchReport): string {
  const { machine } = report;
  const rows = report.rows.map((row) => [
    row.case,
    row.system,
    figure(row.median),
    `${figure(row.min)} … ${figure(row.max)}`,
    row.unit,
  ]);
  const ratios = report.ratios.map((item) => [
    item.name,
    figure(item.value),
    item.goal,
    item.met ? "met" : "MISSED",
  ]);
  return [
    `${report.bench} (${report.size}): ${machine.cpu}, ${machine.cores} cores, ` +
      `Node ${machine.node}, Linux ${machine.kernel}`,
    "",
    ...table(["case", "system", "median", "min … max", "unit"], rows),
    "",
    ...table(["ratio", "value", "goal", ""], ratios),
    "",
  ].join("\n");
}

function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @returns a number as reports show it: three digits at least. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
