import { StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { resolveDemandSettings } from "../../../../sidecar/sdk/demand-options.ts";

const contract = { request: Text, response: Text };

describe("resolveDemandSettings", () => {
  test("gives the documented defaults", () => {
    expect(resolveDemandSettings(contract)).toEqual({
      desiredProviders: 1,
      maxProviders: 10,
      lease: { durationMs: 15_000, maxRuntimeMs: 600_000 },
      retry: { maxAttempts: 5, backoff: { initialMs: 200, maxMs: 60_000, factor: 2 } },
      queue: { maxItems: 10_000, maxBytes: 268_435_456, overflow: "refuse" },
      deadLetter: { maxItems: 1_000, maxAgeMs: 86_400_000 },
      retention: { maxItems: 10_000, maxBytes: 67_108_864, maxAgeMs: 3_600_000 },
    });
  });

  test("raises the most providers to those that are desired", () => {
    const settings = resolveDemandSettings({ ...contract, desiredProviders: 20 });
    expect(settings.maxProviders).toBe(20);
  });

  test.each([
    [{ desiredProviders: 0 }, /desiredProviders 0 .* 1 to 1000/],
    [{ desiredProviders: 3, maxProviders: 2 }, /maxProviders 2 .* 3 to 1000/],
    [{ maxProviders: 1_001 }, /maxProviders 1001/],
    [{ desiredProviders: 1.5 }, /desiredProviders 1.5/],
    [{ lease: { durationMs: 10 } }, /lease.durationMs 10 /],
    [{ lease: { progressTimeoutMs: Number.NaN } }, /lease.progressTimeoutMs NaN/],
    [{ retry: { maxAttempts: 101 } }, /retry.maxAttempts 101/],
    [{ retry: { backoff: { factor: 0.5 } } }, /factor 0.5/],
    [{ retry: { backoff: { initialMs: 500, maxMs: 100 } } }, /maxMs 100 .* 500 to/],
    [{ queue: { maxItems: 0 } }, /queue.maxItems 0/],
    [{ queue: { overflow: "drop" as never } }, /queue.overflow "drop"/],
    [{ retention: { maxAgeMs: -1 } }, /retention.maxAgeMs -1/],
  ])("refuses %j", (options, message) => {
    expect(() => resolveDemandSettings({ ...contract, ...options })).toThrow(message);
  });
});
