/** What a fault of the campaign was expected to do, and what it did: printed, a block each. */

/** One fault. */
export interface FaultReport {
  readonly fault: string;
  readonly expected: string;
  readonly seen: string;
  /** From the end of the fault until everything was as it should be, ms. */
  readonly convergedMs: number;
}

/** Sizes of the campaign: small in CI, real by `CAMPAIGN=real`. */
export const campaign =
  process.env["CAMPAIGN"] === "real"
    ? { demandCount: 1_000, capabilityCount: 1_000, killedMs: 30_000, stoppedMs: 120_000 }
    : { demandCount: 30, capabilityCount: 30, killedMs: 1_000, stoppedMs: 6_000 };

/** Prints a fault's report. */
export function reportFault({ fault, expected, seen, convergedMs }: FaultReport): void {
  const lines = [
    `fault: ${fault}`,
    `  expected: ${expected}`,
    `  seen: ${seen}`,
    `  converged in ${convergedMs} ms`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
