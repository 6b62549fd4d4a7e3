import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AdDecodeError,
  adLimits,
  adValues,
  type CapabilityAd,
  checkCapabilityName,
  decodeAd,
  encodeAd,
} from "../../../../../sidecar/core/capability/ad.ts";
import { CapabilityError } from "../../../../../sidecar/core/capability/capability-error.ts";

const ascii = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));
const bytes = (...parts: (number | number[])[]): Uint8Array => new Uint8Array(parts.flat());
const u16 = (n: number): number[] => [n & 0xff, n >> 8];
const u32 = (n: number): number[] => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
const header = (count: number): number[] => [...ascii("CAP"), 1, ...u32(count)];

const name = fc.stringMatching(/^[ -~]{1,20}$/);
const entry = fc.record({
  name,
  values: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }),
});
const entries = fc.uniqueArray(entry, { maxLength: 8, selector: (e) => e.name });
const ad: fc.Arbitrary<CapabilityAd> = fc.record({ entries });

function errorOf(input: Uint8Array): AdDecodeError {
  const result = decodeAd(input);
  if (result.ok) throw new Error("decoded");
  return result.error;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CapabilityError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

describe("golden bytes", () => {
  const golden = bytes(
    [0x43, 0x41, 0x50, 0x01],
    [0x02, 0x00, 0x00, 0x00],
    [0x03, 0x00],
    [0x61, 0x61, 0x65],
    [0x01, 0x00],
    [0x04, 0x00, 0x00, 0x00],
    [0x01, 0x00, 0x00, 0x00],
    [0x07, 0x00],
    [0x66, 0x72, 0x61, 0x6d, 0x69, 0x6e, 0x67],
    [0x02, 0x00],
    [0x01, 0x00, 0x00, 0x00, 0xaa],
    [0x00, 0x00, 0x00, 0x00],
  );
  const value: CapabilityAd = {
    entries: [
      { name: "aae", values: [bytes([1, 0, 0, 0])] },
      { name: "framing", values: [bytes(0xaa), bytes()] },
    ],
  };

  test("an advertisement encodes to exactly these bytes", () => {
    expect(encodeAd(value)).toEqual(golden);
  });

  test("these bytes decode to exactly this advertisement", () => {
    expect(decodeAd(golden)).toEqual({ ok: true, ad: value });
  });

  test("an empty advertisement is its header", () => {
    expect(encodeAd({ entries: [] })).toEqual(bytes(header(0)));
    expect(decodeAd(bytes(header(0)))).toEqual({ ok: true, ad: { entries: [] } });
  });

  test("trailing bytes are ignored", () => {
    expect(decodeAd(bytes([...golden], 9, 9, 9))).toEqual({ ok: true, ad: value });
  });
});

describe("the seed's own tests", () => {
  test("ad_decode_rejects_bad_magic", () => {
    expect(errorOf(new Uint8Array(16))).toEqual({ code: "BAD_MAGIC" });
  });

  test("ad_decode_rejects_truncated", () => {
    expect(errorOf(new Uint8Array(0))).toEqual({ code: "TRUNCATED" });
  });

  test("the doc example of CapabilityAd::encode round-trips", () => {
    const example = { entries: [{ name: "framing", values: [bytes([1, 0, 0, 0])] }] };
    expect(decodeAd(encodeAd(example))).toEqual({ ok: true, ad: example });
  });
});

describe("decoding refuses, in the seed's order", () => {
  test("fewer than 8 bytes are TRUNCATED before the magic is looked at", () => {
    expect(errorOf(bytes(ascii("XXX"), 1, 0, 0, 0))).toEqual({ code: "TRUNCATED" });
    expect(errorOf(bytes(ascii("XXX"), 1, 0, 0, 0, 0))).toEqual({ code: "BAD_MAGIC" });
  });

  test("another version is BAD_MAGIC, before the count is looked at", () => {
    expect(errorOf(bytes(ascii("CAP"), 2, u32(5000)))).toEqual({ code: "BAD_MAGIC" });
  });

  test("1,024 entries are read and 1,025 are TOO_MANY_ENTRIES(1025)", () => {
    expect(errorOf(bytes(header(1024)))).toEqual({ code: "TRUNCATED" });
    expect(errorOf(bytes(header(1025)))).toEqual({ code: "TOO_MANY_ENTRIES", count: 1025 });
    expect(errorOf(bytes(header(0xffff_ffff)))).toEqual({
      code: "TOO_MANY_ENTRIES",
      count: 0xffff_ffff,
    });
  });

  test("a name over 256 bytes is TOO_MANY_ENTRIES(length), before it is found missing", () => {
    expect(errorOf(bytes(header(1), u16(256)))).toEqual({ code: "TRUNCATED" });
    expect(errorOf(bytes(header(1), u16(257)))).toEqual({ code: "TOO_MANY_ENTRIES", count: 257 });
  });

  test("a missing name is TRUNCATED before its bytes are found non-ASCII", () => {
    expect(errorOf(bytes(header(1), u16(2), 0x80))).toEqual({ code: "TRUNCATED" });
    expect(errorOf(bytes(header(1), u16(1), 0x80))).toEqual({ code: "NON_ASCII_NAME" });
  });

  test("a value over 16,384 bytes is TOO_MANY_ENTRIES with its length", () => {
    const start = [...header(1), ...u16(1), ...ascii("a"), ...u16(1)];
    expect(errorOf(bytes(start, u32(16_384)))).toEqual({ code: "TRUNCATED" });
    expect(errorOf(bytes(start, u32(16_385)))).toEqual({ code: "TOO_MANY_ENTRIES", count: 16_385 });
  });

  test("a value of exactly 16,384 bytes and a name of exactly 256 are accepted", () => {
    const value = { entries: [{ name: "n".repeat(256), values: [new Uint8Array(16_384)] }] };
    expect(decodeAd(encodeAd(value))).toEqual({ ok: true, ad: value });
  });

  test("an empty name decodes, as in the seed", () => {
    expect(decodeAd(bytes(header(1), u16(0), u16(0)))).toMatchObject({ ok: true });
  });
});

describe("duplicates", () => {
  test("the last of two entries of a name wins", () => {
    const twice = bytes(
      [...header(2), ...u16(1), ...ascii("a"), ...u16(1), ...u32(1), 1],
      [...u16(1), ...ascii("a"), ...u16(1), ...u32(1), 2],
    );
    const result = decodeAd(twice);
    expect(result.ok && adValues(result.ad, "a")).toEqual([bytes(2)]);
  });

  test("an absent name has no values", () => {
    expect(adValues({ entries: [] }, "a")).toBeUndefined();
  });
});

describe("the encoder is strict", () => {
  const one = (n: string, ...values: Uint8Array[]): CapabilityAd => ({
    entries: [{ name: n, values }],
  });

  test.each([
    ["EMPTY_NAME", one("")],
    ["NON_ASCII_NAME", one("größe")],
    ["NAME_TOO_LONG", one("n".repeat(257))],
    ["VALUE_TOO_LONG", one("a", new Uint8Array(16_385))],
    ["DUPLICATE_NAME", { entries: [...one("a").entries, ...one("a").entries] }],
    ["TOO_MANY_VALUES", one("a", ...new Array<Uint8Array>(65_536).fill(new Uint8Array(0)))],
    [
      "TOO_MANY_ENTRIES",
      { entries: Array.from({ length: 1025 }, (_, i) => ({ name: `n${i}`, values: [] })) },
    ],
    ["AD_TOO_LARGE", one("a", ...new Array<Uint8Array>(4).fill(new Uint8Array(16_384)))],
  ] satisfies [string, CapabilityAd][])("%s", (code, value) => {
    expect(codeOf(() => encodeAd(value))).toBe(code);
  });

  test("64 KiB exactly is encoded, one byte more is refused", () => {
    const room = adLimits.maxAdBytes - 8 - (2 + 1 + 2) - 4 * 4 - 3 * 16_384;
    const fill = (last: number): CapabilityAd =>
      one("a", ...[16_384, 16_384, 16_384, last].map((n) => new Uint8Array(n)));
    expect(encodeAd(fill(room)).length).toBe(64 * 1024);
    expect(codeOf(() => encodeAd(fill(room + 1)))).toBe("AD_TOO_LARGE");
  });

  test("a valid name passes", () => {
    expect(codeOf(() => checkCapabilityName("max-frame"))).toBe("nothing thrown");
  });
});

describe("for any advertisement", () => {
  test("decoding the encoding gives it back", () => {
    fc.assert(
      fc.property(ad, (value) => {
        expect(decodeAd(encodeAd(value))).toEqual({ ok: true, ad: value });
      }),
    );
  });

  test("every proper prefix is TRUNCATED", () => {
    fc.assert(
      fc.property(ad, fc.nat(), (value, cut) => {
        const whole = encodeAd(value);
        expect(errorOf(whole.subarray(0, cut % whole.length))).toEqual({ code: "TRUNCATED" });
      }),
    );
  });

  test("a mutated encoding is decoded or refused, never thrown at", () => {
    const mutation = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(ad, fc.array(mutation, { minLength: 1, maxLength: 8 }), (value, mutations) => {
        const whole = encodeAd(value);
        for (const [at, byte] of mutations) whole[at % whole.length] = byte;
        const result = decodeAd(whole);
        if (!result.ok) return;
        for (const { name: n, values } of result.ad.entries) {
          expect(n.length).toBeLessThanOrEqual(256);
          for (const v of values) expect(v.length).toBeLessThanOrEqual(16_384);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("any bytes behind the header are decoded or refused, never thrown at", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 1030 }), (tail, count) => {
        const result = decodeAd(bytes(header(count), [...tail]));
        expect(typeof result.ok).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });

  test("what was decoded does not change when the received bytes are reused", () => {
    const whole = encodeAd({ entries: [{ name: "a", values: [bytes(1, 2)] }] });
    const result = decodeAd(whole);
    whole.fill(0);
    expect(result).toEqual({ ok: true, ad: { entries: [{ name: "a", values: [bytes(1, 2)] }] } });
  });
});
