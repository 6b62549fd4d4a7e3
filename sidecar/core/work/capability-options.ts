import { largestPayloadBytes, numberOption } from "./option-bound.ts";

/** How a CapabilityPool behaves; complete. Source of the defaults: design/work.md. */
export interface CapabilityOptions {
  /** Worker slots, 1 … 1,000. Default 1. */
  readonly concurrency: number;
  /** Queues joined at most, 1 … 1,000. Default 8. */
  readonly maxDemands: number;
  /** Scale of r0 = 0.2 ms × scale in the score's latency term, 0.001 … 1,000,000. Default 1. */
  readonly rttScale: number;
  /** Choose among the best k candidates by weight, 1 … 100. Default 3. */
  readonly choices: number;
  /**
   * A link is asked for after a random part of this, 0 … 60 s, so that providers do not herd.
   * Default 50.
   */
  readonly joinJitterMs: number;
  /**
   * How long an item may wait in the sidecar for the application's next pull, 0 … 10 s. Default
   * 200.
   */
  readonly parkMs: number;
  /**
   * How long credit outlives an answered pull, since the next one mostly follows at once. Default
   * 50.
   */
  readonly lingerMs: number;
  /** A verb the demand has not confirmed is given up after this, 1 s … 1 h. Default 60 s. */
  readonly verbTimeoutMs: number;
  /** Waiting pulls at most, 1 … 100,000. Default 1,000. */
  readonly maxPulls: number;
  /** Bytes of one result at most; the message cap of 16 MiB leaves 16 MiB − 64 KiB. */
  readonly maxResultBytes: number;
}

/** What a configuration may leave out. */
export type PartialCapabilityOptions = {
  readonly [K in keyof CapabilityOptions]?: CapabilityOptions[K] | undefined;
};

/**
 * The complete options.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
export function resolveCapabilityOptions(
  partial: PartialCapabilityOptions = {},
): CapabilityOptions {
  const whole = (
    field: keyof CapabilityOptions,
    fallback: number,
    range: readonly [min: number, max: number],
  ): number => numberOption(partial[field], fallback, { field, min: range[0], max: range[1] });
  return {
    concurrency: whole("concurrency", 1, [1, 1_000]),
    maxDemands: whole("maxDemands", 8, [1, 1_000]),
    rttScale: numberOption(partial.rttScale, 1, {
      field: "rttScale",
      min: 0.001,
      max: 1_000_000,
      fraction: true,
    }),
    choices: whole("choices", 3, [1, 100]),
    joinJitterMs: whole("joinJitterMs", 50, [0, 60_000]),
    parkMs: whole("parkMs", 200, [0, 10_000]),
    lingerMs: whole("lingerMs", 50, [0, 10_000]),
    verbTimeoutMs: whole("verbTimeoutMs", 60_000, [1_000, 3_600_000]),
    maxPulls: whole("maxPulls", 1_000, [1, 100_000]),
    maxResultBytes: whole("maxResultBytes", largestPayloadBytes, [1, largestPayloadBytes]),
  };
}
