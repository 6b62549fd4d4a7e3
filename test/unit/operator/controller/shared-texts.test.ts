import fc from "fast-check";
import { expect, test } from "vitest";
import { flatText, SharedTexts } from "../../../../operator/controller/shared-texts.ts";

test("a text is what it was, however many came before it", () => {
  const texts = new SharedTexts();
  for (let at = 0; at < 10_000; at += 1) expect(texts.of(`shop/${at}`)).toBe(`shop/${at}`);
  expect(texts.of("shop/1")).toBe("shop/1");
});

test("a flat text is the same text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(flatText(`${text}/${text}`)).toBe(`${text}/${text}`);
    }),
  );
});
