import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readU32,
  readVarint,
  varintSize,
  writeU32,
  writeVarint,
} from "../../../../sidecar/wire/frame.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("varint", () => {
  test("every 32-bit number comes back and takes the bytes it is said to take", () => {
    fc.assert(
      fc.property(u32, fc.nat(5), (value, position) => {
        const bytes = new Uint8Array(12);
        const end = writeVarint(bytes, position, value);
        expect(end - position).toBe(varintSize(value));
        expect(readVarint(bytes, position, end)).toBe(value);
        expect(readVarint(bytes, position, end - 1)).toBe(-1);
      }),
    );
  });

  test.each([
    ["nothing", []],
    ["one that is cut off", [0x80]],
    ["a longer spelling", [0x81, 0x00]],
    ["33 bits", [0xff, 0xff, 0xff, 0xff, 0x1f]],
    ["six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
  ])("%s is refused", (_what, bytes) => {
    expect(readVarint(Uint8Array.from(bytes), 0, bytes.length)).toBe(-1);
  });
});

test("u32 comes back, little-endian", () => {
  fc.assert(
    fc.property(u32, (value) => {
      const bytes = new Uint8Array(6);
      writeU32(bytes, 1, value);
      expect(readU32(bytes, 1)).toBe(value);
      expect(new DataView(bytes.buffer).getUint32(1, true)).toBe(value);
    }),
  );
});
