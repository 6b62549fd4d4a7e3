import { describe, expect, test } from "vitest";
import {
  orderedCapability,
  u32Capability,
} from "../../../../../sidecar/core/capability/capability.ts";
import { CapabilityError } from "../../../../../sidecar/core/capability/capability-error.ts";
import { CapabilityRegistry } from "../../../../../sidecar/core/capability/registry.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CapabilityError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

/** The `Bool` of the seed's doc comment. */
const feature = orderedCapability<boolean>({
  name: "feature",
  supportedValues: [false, true],
  compare: (a, b) => Number(a) - Number(b),
  encode: (value) => new Uint8Array([Number(value)]),
  decode: (bytes) => (bytes.length === 1 && (bytes[0] ?? 2) < 2 ? bytes[0] === 1 : undefined),
});

describe("an ordered capability", () => {
  test("merges to the highest common value, also when that value is false", () => {
    expect(feature.merge([true, false])).toBe(true);
    expect(feature.merge([false])).toBe(false);
    expect(feature.merge([])).toBeUndefined();
  });

  test("negotiates booleans", () => {
    const registry = new CapabilityRegistry();
    registry.register(feature);
    const result = registry.negotiate({
      entries: [{ name: "feature", values: [new Uint8Array([0]), new Uint8Array([2])] }],
    });
    expect(result.ok && result.negotiated.get(feature)).toBe(false);
  });

  test.each([[[2, 1]], [[1, 1]], [[1, 3, 2]]])("refuses values %j that do not ascend", (values) => {
    expect(codeOf(() => u32Capability("a", values))).toBe("UNORDERED_VALUES");
  });
});

describe("a u32 capability", () => {
  const a = u32Capability("a", [0, 0xffff_ffff]);

  test("encodes 4 bytes little-endian", () => {
    expect(a.encode(0x01020304)).toEqual(new Uint8Array([4, 3, 2, 1]));
    expect(a.decode(a.encode(0xffff_ffff))).toBe(0xffff_ffff);
  });

  test("decodes a view into a larger buffer", () => {
    expect(a.decode(new Uint8Array([9, 1, 0, 0, 0, 9]).subarray(1, 5))).toBe(1);
  });

  test.each([3, 5, 0])("does not decode %i bytes", (length) => {
    expect(a.decode(new Uint8Array(length))).toBeUndefined();
  });

  test.each([-1, 1.5, 0x1_0000_0000, Number.NaN])("does not encode %d", (value) => {
    expect(codeOf(() => a.encode(value))).toBe("VALUE_NOT_DECODABLE");
  });
});
