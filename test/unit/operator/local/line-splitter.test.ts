import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter, maxLineLength } from "../../../../operator/local/line-splitter.ts";

/** Lines of a text that comes in chunks cut at these bytes. */
function split(text: string, cuts: readonly number[] = []): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const bytes = new TextEncoder().encode(text);
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    splitter.push(bytes.subarray(from, Math.min(cut, bytes.length)));
    from = Math.max(from, Math.min(cut, bytes.length));
  }
  splitter.push(bytes.subarray(from));
  splitter.end();
  return lines;
}

test.each([
  ["one line", "a\n", ["a"]],
  ["a last line without its end", "a\nb", ["a", "b"]],
  ["an empty line", "a\n\nb\n", ["a", "", "b"]],
  ["ends of Windows", "a\r\nb\r\n", ["a", "b"]],
  ["nothing", "", []],
])("%s", (_name, text, lines) => {
  expect(split(text)).toEqual(lines);
});

test("how the chunks fall makes no difference, also inside a character", () => {
  const text = fc.array(fc.constantFrom("a", "ä", "😀", "\n", " "), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(160), { maxLength: 8 }), (parts, cuts) => {
      expect(split(parts.join(""), cuts)).toEqual(split(parts.join("")));
    }),
  );
});

test("a line without end is cut, and never held", () => {
  const long = "x".repeat(maxLineLength * 2 + 5);
  const cut = split(long, [10, maxLineLength + 7]);
  expect(cut.map((line) => line.length)).toEqual([maxLineLength, maxLineLength, 5]);
});
