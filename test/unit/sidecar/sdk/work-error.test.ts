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

  test("cuts no character in half, and carries no half ones", () => {
    const failure = failureOf(new Error(`${"m".repeat(4_095)}😀`));
    expect([failure.message.length, failure.message.isWellFormed()]).toEqual([4_096, true]);
    expect(failureOf(new RejectError("\ud800", "\udc00"))).toMatchObject({
      code: "\ufffd",
      message: "\ufffd",
    });
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  let deep: unknown = 1;
  for (let level = 0; level < 101; level++) deep = [deep];
  test.each([
    ["x".repeat(20_000), "20002 bytes, at most 16384"],
    [deep, "deeper than 100 levels"],
    [cycle, "they are no JSON"],
    [1n, "they are no JSON"],
    [() => 1, "they are no JSON"],
  ])("leaves out details that cannot be carried, and says so (%#)", (details, why) => {
    const note = ` (Details were left out: ${why}.)`;
    const failure = failureOf(new RejectError("C", "m", { details }));
    expect(failure).toMatchObject({ details: "", message: `m${note}` });
    const long = failureOf(new RejectError("C", "m".repeat(5_000), { details })).message;
    expect([long.length, long.endsWith(`m${note}`)]).toEqual([4_096, true]);
  });

  test.each([
    [Object.create(null), "(no text)"],
    [Object.assign(new Error("m"), { message: 7 }), "7"],
    [Object.assign(new Error("m"), { message: Object.create(null) }), "(no text)"],
    [Object.assign(new Error("m"), { name: undefined }), "m"],
  ])("of what programs without types throw is text all the same (%#)", (thrown, message) => {
    const failure = failureOf(thrown);
    expect([typeof failure.code, failure.message]).toEqual([
      "string",
      expect.stringContaining(message),
    ]);
  });
});
