/**
 * The last line of .ci/run, from vitest's JSON reports: `N passed, N failed, N skipped`.
 * Run by hand: `node test/support/summary-line.ts FILE [FILE...]`.
 */
import { existsSync, readFileSync } from "node:fs";

/** The part of vitest's JSON report that the line is made from. */
export interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: unknown[];
  }[];
}

/**
 * @param reports one for each run of tests; undefined for one that never came to an end.
 * @returns the line, with the sum of all. A file that could not be loaded has no tests of its own
 *   and counts as one failure, and so does a run without an end.
 */
export function summaryLine(reports: readonly (TestReport | undefined)[]): string {
  const sum = (count: (report: TestReport) => number, otherwise: number): number =>
    reports.reduce((sofar, it) => sofar + (it === undefined ? otherwise : count(it)), 0);
  const passed = sum((it) => it.numPassedTests, 0);
  const failed = sum((it) => it.numFailedTests + unloadable(it), 1);
  const skipped = sum((it) => it.numPendingTests + it.numTodoTests, 0);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function unloadable({ testResults }: TestReport): number {
  return testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length;
}

function readReport(path: string): TestReport | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as TestReport) : undefined;
}

if (import.meta.main) {
  const paths = process.argv.slice(2);
  const reports = paths.length === 0 ? [undefined] : paths.map(readReport);
  process.stdout.write(`${summaryLine(reports)}\n`);
}
