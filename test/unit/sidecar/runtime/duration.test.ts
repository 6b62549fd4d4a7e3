import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDuration,
  maxDurationMs,
  parseDuration,
} from "../../../../sidecar/runtime/duration.ts";

function valueOf(text: string): number | string {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.valueMs : parsed.error.code;
}

describe("parseDuration", () => {
  test.each([
    ["250ms", 250],
    ["5s", 5_000],
    ["1h30m", 5_400_000],
    ["1m", 60_000],
    ["1.5s", 1_500],
    ["0", 0],
    ["0s", 0],
    ["0.4ms", 0],
    ["90m", 5_400_000],
    ["1s1s", 2_000],
  ])("reads %s as %i ms", (text, valueMs) => {
    expect(valueOf(text)).toBe(valueMs);
  });

  test.each([
    "",
    "5",
    "s",
    "-5s",
    "+5s",
    "5 s",
    " 5s",
    "5S",
    "1d",
    "1us",
    "1e3s",
    ".5s",
    "1.s",
    "1h30",
  ])("refuses %j as malformed and says how to write one", (text) => {
    const parsed = parseDuration(text);
    expect(parsed.ok ? "" : parsed.error.code).toBe("DURATION_MALFORMED");
    expect(parsed.ok ? "" : parsed.error.message).toContain("250ms, 5s or 1h30m");
  });

  test("looks at no more than 64 characters and repeats no more than that", () => {
    const parsed = parseDuration("1s".repeat(40));
    expect(parsed.ok ? "" : parsed.error.message.length).toBeLessThan(150);
  });

  test("refuses what is beyond 100 years, and the unit slip that gets there", () => {
    expect(valueOf("876000h")).toBe(maxDurationMs);
    expect(valueOf("876001h")).toBe("DURATION_OUT_OF_RANGE");
    expect(valueOf("99999999999999999999999h")).toBe("DURATION_OUT_OF_RANGE");
  });
});

describe("formatDuration", () => {
  test.each([
    [0, "0s"],
    [250, "250ms"],
    [60_000, "1m"],
    [5_400_000, "1h30m"],
    [1_500, "1s500ms"],
    [0.4, "0s"],
  ])("writes %d ms as %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  test("is read back as it was written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: maxDurationMs }), (durationMs) => {
        expect(valueOf(formatDuration(durationMs))).toBe(durationMs);
      }),
    );
  });

  test.each([-1, Number.NaN, Infinity])("throws at %d", (durationMs) => {
    expect(() => formatDuration(durationMs)).toThrow(
      expect.objectContaining({ code: "DURATION_OUT_OF_RANGE" }),
    );
  });
});
