import { expect, test } from "vitest";
import { tellingLine } from "../../../../operator/local/telling-line.ts";

/** The last line of a text that tells anything. */
function lastOf(text: string): string | undefined {
  return text
    .split("\n")
    .map(tellingLine)
    .findLast((line) => line !== undefined);
}

test("of a crash of Node, the error is kept, not its stack or Node's version", () => {
  const crash = [
    ...["file:///w/web.ts:1", 'throw new Error("no such table");', "      ^", ""],
    ...["Error: no such table", "    at file:///w/web.ts:1:7 {", "  code: 'X'", "}", ""],
    ...["Node.js v24.21.0", ""],
  ].join("\n");
  expect(lastOf(crash)).toBe("Error: no such table");
});

test("of a crash of Python, its last line", () => {
  const crash = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n';
  expect(lastOf(crash)).toBe("KeyError: 1");
});

test("colours are left out", () => {
  expect(tellingLine("\u001b[31mno table\u001b[0m")).toBe("no table");
});

test("a long line is shortened to 200 characters", () => {
  expect(tellingLine("x".repeat(200))).toHaveLength(200);
  expect(tellingLine("x".repeat(201))).toBe(`${"x".repeat(199)}…`);
});
