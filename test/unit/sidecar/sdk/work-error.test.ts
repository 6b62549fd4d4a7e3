import { describe, expect, test } from "vitest";
import { failureOf, RejectError, RetryableError } from "../../../../sidecar/sdk/work-error.ts";

describe("failureOf", () => {
  test.each([
    [new TypeError("t"), { code: "TypeError", message: "t", retryable: true }],
    [new RejectError("BAD", "b"), { code: "BAD", message: "b", retryable: false }],
    [new RetryableError("BUSY", "b"), { code: "BUSY", message: "b", retryable: true }],
    ["text", { code: "Error", message: "text", retryable: true }],
    [undefined, { code: "Error", message: "undefined", retryable: true }],
  ])("of %s", (thrown, expected) => {
    expect(failureOf(thrown)).toEqual({ ...expected, details: "" });
  });

  test("keeps the code of Node's errors", () => {
    const error = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    expect(failureOf(error).code).toBe("ECONNREFUSED");
  });

  test("cuts what is longer than its bound", () => {
    const failure = failureOf(new RejectError("C".repeat(100), "m".repeat(5_000)));
    expect([failure.code.length, failure.message.length]).toEqual([64, 4_096]);
  });

  test("leaves out details that are too large or no JSON", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const details of ["x".repeat(20_000), cycle, 1n, () => 1]) {
      expect(failureOf(new RejectError("C", "m", { details })).details).toBe("");
    }
  });
});
