/** What a fault of the campaign was expected to do, and what it did: printed, a block each. */

/** One fault. */
export interface FaultReport {
  readonly fault: string;
  readonly expected: string;
  readonly seen: string;
  /** From the end of the fault until everything was as it should be, ms. */
  readonly convergedMs: number;
  /** What that may take at most, ms. */
  readonly boundMs: number;
}

const isReal = process.env["CAMPAIGN"] === "real";

/** Sizes of the campaign: small in CI, real by `CAMPAIGN=real`. */
export const campaign = isReal
  ? { demandCount: 1_000, capabilityCount: 1_000, killedMs: 30_000, stoppedMs: 120_000 }
  : { demandCount: 30, capabilityCount: 30, killedMs: 1_000, stoppedMs: 6_000 };

/**
 * Longest time to converge, ms: twice what is seen on 2 cores that others use too, or more. At real
 * size a thousand edits are made after a fault or during it. A Lease ends 15 s after its holder's
 * last word, and is asked for every 2 s.
 */
export const boundsMs = {
  apiServerKilled: isReal ? 45_000 : 30_000,
  apiServerStopped: isReal ? 60_000 : 30_000,
  compacted: isReal ? 45_000 : 30_000,
  oneSeat: isReal ? 120_000 : 60_000,
  secondWriter: 10_000,
  leaderKilled: isReal ? 75_000 : 45_000,
  leaderEnded: isReal ? 30_000 : 15_000,
  leaderStopped: isReal ? 75_000 : 45_000,
  /** A status that was refused is tried again after a minute at most. */
  permissionMissing: 90_000,
} as const;

/** Prints a fault's report. @throws {Error} when it took longer than its bound. */
export function reportFault({ fault, expected, seen, convergedMs, boundMs }: FaultReport): void {
  const lines = [
    `fault: ${fault}`,
    `  expected: ${expected}`,
    `  seen: ${seen}`,
    `  converged in ${convergedMs} ms, of ${boundMs} at most`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  if (convergedMs > boundMs) throw new Error(lines.join("\n"));
}
