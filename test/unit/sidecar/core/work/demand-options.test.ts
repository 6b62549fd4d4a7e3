/** design/work.md, "Defaults and bounds". */
import { describe, expect, test } from "vitest";
import {
  type PartialDemandOptions,
  resolveDemandOptions,
  WorkError,
} from "../../../../../sidecar/core/work/index.ts";

test("the defaults are those of the design", () => {
  expect(resolveDemandOptions()).toEqual({
    desiredProviders: 1,
    maxProviders: 10,
    lease: { durationMs: 15_000, maxRuntimeMs: 600_000, progressTimeoutMs: undefined },
    retry: { maxAttempts: 5, backoff: { initialMs: 200, maxMs: 60_000, factor: 2 } },
    queue: {
      maxItems: 10_000,
      maxBytes: 268_435_456,
      overflow: "refuse",
      maxWaiters: 1_000,
      maxWaitingBytes: 67_108_864,
      maxPayloadBytes: 16_711_680,
    },
    deadLetter: { maxItems: 1_000, maxBytes: 268_435_456, maxAgeMs: 86_400_000 },
    retention: { maxItems: 10_000, maxBytes: 67_108_864, maxAgeMs: 3_600_000 },
    paused: false,
  });
});

test("more desired than the default maximum raises it", () => {
  expect(resolveDemandOptions({ desiredProviders: 20 }).maxProviders).toBe(20);
});

describe("what is out of bounds names field, value and bound", () => {
  const cases: readonly [PartialDemandOptions, string][] = [
    [{ desiredProviders: 0 }, "desiredProviders is 0; it must be a number from 1 to 10"],
    [
      { desiredProviders: 5, maxProviders: 4 },
      "desiredProviders is 5; it must be a number from 1 to 4",
    ],
    [{ maxProviders: 1_001 }, "maxProviders is 1001; it must be a number from 1 to 1000"],
    [{ lease: { durationMs: 999 } }, "lease.duration is 999"],
    [{ lease: { progressTimeoutMs: 0 } }, "lease.progressTimeout is 0"],
    [{ retry: { maxAttempts: 101 } }, "retry.maxAttempts is 101"],
    [{ retry: { backoff: { initialMs: 500, maxMs: 400 } } }, "retry.backoff.max is 400"],
    [{ retry: { backoff: { factor: 0.5 } } }, "retry.backoff.factor is 0.5"],
    [{ queue: { maxItems: 1.5 } }, "queue.maxItems is 1.5"],
    [{ queue: { maxBytes: Number.NaN } }, "queue.maxBytes is NaN"],
    [{ retention: { maxAgeMs: -1 } }, "retention.maxAge is -1"],
    [{ queue: { overflow: "drop" as "refuse" } }, "queue.overflow is drop"],
  ];
  test.each(cases)("%o", (options, says) => {
    const resolve = (): unknown => resolveDemandOptions(options);
    expect(resolve).toThrow(WorkError);
    expect(resolve).toThrow(says);
  });
});
