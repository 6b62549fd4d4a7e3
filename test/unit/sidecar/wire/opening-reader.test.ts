import fc from "fast-check";
import { expect, test } from "vitest";
import { OpeningReader } from "../../../../sidecar/wire/opening-reader.ts";
import { maxOpeningBytes } from "../../../../sidecar/wire/session-offer.ts";

function prefixed(blob: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + blob.length);
  new DataView(bytes.buffer).setUint32(0, blob.length, true);
  bytes.set(blob, 4);
  return bytes;
}

test("gives the blob and where the frames begin, whatever the chunks", () => {
  const input = fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ maxLength: 9 }));
  fc.assert(
    fc.property(input, fc.integer({ min: 1, max: 60 }), ([blob, after], size) => {
      const reader = new OpeningReader();
      const bytes = Buffer.concat([prefixed(blob), after]);
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size);
        const progress = reader.push(chunk);
        if (progress.type === "more") continue;
        expect(progress.type).toBe("done");
        if (progress.type !== "done") return;
        expect([...progress.blob]).toEqual([...blob]);
        expect(at + progress.rest).toBe(4 + blob.length);
        return;
      }
      throw new Error("never done");
    }),
  );
});

test("a length above the bound is refused before anything is kept", () => {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, maxOpeningBytes + 1, true);
  expect(new OpeningReader().push(length)).toMatchObject({
    type: "breach",
    breach: { code: "LIMIT_EXCEEDED" },
  });
});
