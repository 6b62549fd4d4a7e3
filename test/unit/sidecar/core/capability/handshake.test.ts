import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeHandshake,
  encodeHandshake,
  maxHandshakeBytes,
} from "../../../../../sidecar/core/capability/handshake.ts";

const ad = { entries: [{ name: "a", values: [new Uint8Array([7])] }] };
const golden = new Uint8Array([
  0x44, 0x48, 0x53, 0x31, 0, 0, 0x43, 0x41, 0x50, 1, 1, 0, 0, 0, 1, 0, 0x61, 1, 0, 1, 0, 0, 0, 7,
]);

function changed(at: number, byte: number): Uint8Array {
  const bytes = golden.slice();
  bytes[at] = byte;
  return bytes;
}

describe("the opening blob", () => {
  test("is exactly these bytes", () => {
    expect(encodeHandshake(ad)).toEqual(golden);
    expect(decodeHandshake(golden)).toEqual({ ok: true, ad });
  });

  test("of fewer than 6 bytes is TRUNCATED before the magic is looked at", () => {
    const error = { ok: false, error: { code: "TRUNCATED" } };
    expect(decodeHandshake(new Uint8Array([1, 2, 3, 4, 5]))).toEqual(error);
    expect(decodeHandshake(new Uint8Array(0))).toEqual(error);
  });

  test.each([
    ["another magic", changed(3, 0x32)],
    ["a flag in the low byte", changed(4, 1)],
    ["a flag in the high byte", changed(5, 0x80)],
    ["an advertisement of another version", changed(9, 2)],
  ])("with %s is BAD_MAGIC", (_, bytes) => {
    expect(decodeHandshake(bytes)).toEqual({ ok: false, error: { code: "BAD_MAGIC" } });
  });

  test("cut anywhere is TRUNCATED", () => {
    for (let length = 0; length < golden.length; length++) {
      const result = decodeHandshake(golden.subarray(0, length));
      expect(result).toEqual({ ok: false, error: { code: "TRUNCATED" } });
    }
  });

  test("with any byte changed is decoded or refused, never thrown at", () => {
    fc.assert(
      fc.property(fc.nat({ max: golden.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        expect(typeof decodeHandshake(changed(at, byte)).ok).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });

  test("is at most 64 KiB and its header", () => {
    expect(maxHandshakeBytes).toBe(6 + 64 * 1024);
  });
});
