import { expect, test } from "vitest";
import { isSessionCloseCode, sessionCloseCodes } from "../../../../sidecar/wire/close-code.ts";

test("knows its own words and no others", () => {
  expect(sessionCloseCodes.every(isSessionCloseCode)).toBe(true);
  expect(["", "shutdown", "TIRED", "constructor"].some(isSessionCloseCode)).toBe(false);
});
