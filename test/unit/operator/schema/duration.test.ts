import { expect, test } from "vitest";
import fc from "fast-check";
import { durationMs, quantityBytes } from "../../../../operator/schema/index.ts";
import { formatDuration, parseDuration } from "../../../../sidecar/runtime/index.ts";

test.each([
  ["250ms", 250],
  ["5s", 5_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1_500],
  ["2m500ms", 120_500],
])("%s is %i ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(["", "5", "5 s", "-5s", "s", "5d", "1e3s", "5s ", "1h1h1h1h1h"])(
  "%j is no duration",
  (text) => {
    expect(durationMs(text)).toBeNaN();
  },
);

test("a duration means here what it means in the sidecar", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 * 24 * 3_600_000 }), (ms) => {
      const text = formatDuration(ms);
      expect([durationMs(text), parseDuration(text)]).toEqual([ms, { ok: true, valueMs: ms }]);
    }),
  );
});

test.each([
  ["1048576", 1_048_576],
  ["64Ki", 65_536],
  ["256Mi", 268_435_456],
  ["16Gi", 17_179_869_184],
])("%s is %i bytes", (text, bytes) => {
  expect(quantityBytes(text)).toBe(bytes);
});

test.each(["", "Mi", "1M", "1.5Gi", "-1", "1Ti", "1 Ki"])("%j is no amount of bytes", (text) => {
  expect(quantityBytes(text)).toBeNaN();
});
