/** design/work.md, "Defaults and bounds". */
import { expect, test } from "vitest";
import { resolveCapabilityOptions, WorkError } from "../../../../../sidecar/core/work/index.ts";

test("the defaults are those of the design", () => {
  expect(resolveCapabilityOptions()).toMatchObject({ concurrency: 1, maxDemands: 8 });
});

test.each([
  [{ concurrency: 0 }, "concurrency is 0; it must be a number from 1 to 1000"],
  [{ maxDemands: 1_001 }, "maxDemands is 1001"],
  [{ rttScale: 0 }, "rttScale is 0"],
  [{ verbTimeoutMs: 10 }, "verbTimeoutMs is 10"],
])("%o is refused", (options, says) => {
  const resolve = (): unknown => resolveCapabilityOptions(options);
  expect(resolve).toThrow(WorkError);
  expect(resolve).toThrow(says);
});
