/**
 * The last line of .ci/run, from vitest's JSON report: `N passed, N failed, N skipped`.
 * Run by hand: `node test/support/summary-line.ts FILE`.
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
 * @param report undefined when the tests never came to an end.
 * @returns the line. A file that could not be loaded has no tests of its own and counts as one
 *   failure.
 */
export function summaryLine(report: TestReport | undefined): string {
  if (report === undefined) return "0 passed, 1 failed, 0 skipped";
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  const failed = report.numFailedTests + unloadable.length;
  const skipped = report.numPendingTests + report.numTodoTests;
  return `${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`;
}

if (import.meta.main) {
  const path = process.argv[2] ?? "";
  const report = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as TestReport)
    : undefined;
  process.stdout.write(`${summaryLine(report)}\n`);
}
