import type { Random } from "../ports.ts";
import type { DemandOptions } from "./demand-options.ts";

/**
 * How long an item waits after its nth failed attempt: random in
 * [0, min(maxMs, initialMs × factor^(n − 1))], "full jitter".
 * @param failed failed attempts so far, 1 or more.
 * @returns whole ms. Source: Brooker, "Exponential Backoff And Jitter" (2015); design/work.md.
 */
export function backoffMs(
  backoff: DemandOptions["retry"]["backoff"],
  failed: number,
  random: Random,
): number {
  const ceilingMs = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (failed - 1));
  return Math.round(random.next() * ceilingMs);
}
