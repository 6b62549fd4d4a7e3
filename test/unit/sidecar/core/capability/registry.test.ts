import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CapabilityAd,
  decodeAd,
  encodeAd,
} from "../../../../../sidecar/core/capability/ad.ts";
import {
  type Capability,
  u32Capability,
} from "../../../../../sidecar/core/capability/capability.ts";
import { CapabilityError } from "../../../../../sidecar/core/capability/capability-error.ts";
import {
  Negotiated,
  negotiationMismatch,
} from "../../../../../sidecar/core/capability/negotiation.ts";
import { CapabilityRegistry } from "../../../../../sidecar/core/capability/registry.ts";

const u32 = (n: number): Uint8Array => new Uint8Array(new Uint32Array([n]).buffer);

function registryOf(...capabilities: Capability<number>[]): CapabilityRegistry {
  const registry = new CapabilityRegistry();
  for (const capability of capabilities) registry.register(capability);
  return registry;
}

function adOf(...capabilities: Capability<number>[]): CapabilityAd {
  return registryOf(...capabilities).advertisement();
}

function negotiated(registry: CapabilityRegistry, peer: CapabilityAd): Negotiated {
  const result = registry.negotiate(peer);
  if (!result.ok) throw new Error(result.conflicts.map((c) => c.reason).join());
  return result.negotiated;
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

describe("registration", () => {
  test("the seed's ad_round_trips: the advertisement of a registry survives the wire", () => {
    const ad = adOf(u32Capability("framing", [1, 2]), u32Capability("aae", [1]));
    expect(decodeAd(encodeAd(ad))).toEqual({ ok: true, ad });
  });

  test("entries are sorted by name whatever the order of registration", () => {
    const names = ["framing", "aae", "Z", "max-frame", "a"];
    const ad = adOf(...names.map((name) => u32Capability(name, [1])));
    expect(ad.entries.map((e) => e.name)).toEqual(["Z", "a", "aae", "framing", "max-frame"]);
  });

  test("values are advertised lowest to highest preference", () => {
    expect(adOf(u32Capability("a", [1, 2, 9])).entries[0]?.values).toEqual([
      u32(1),
      u32(2),
      u32(9),
    ]);
  });

  test("no supported value is refused", () => {
    const run = (): unknown => registryOf(u32Capability("a", []));
    expect(codeOf(run)).toBe("NO_SUPPORTED_VALUES");
  });

  test("a second capability of a name is refused", () => {
    const run = (): unknown => registryOf(u32Capability("a", [1]), u32Capability("a", [2]));
    expect(codeOf(run)).toBe("DUPLICATE_NAME");
  });

  test("an empty and a non-ASCII name are refused", () => {
    expect(codeOf(() => registryOf(u32Capability("", [1])))).toBe("EMPTY_NAME");
    expect(codeOf(() => registryOf(u32Capability("ä", [1])))).toBe("NON_ASCII_NAME");
  });

  test("a value that does not survive encode and decode is refused", () => {
    const broken = { ...u32Capability("a", [1]), decode: () => undefined };
    expect(codeOf(() => registryOf(broken))).toBe("VALUE_NOT_DECODABLE");
  });

  test("a value over 16 KiB is refused", () => {
    const long = { ...u32Capability("a", [1]), encode: () => new Uint8Array(16_385) };
    expect(codeOf(() => registryOf(long))).toBe("VALUE_TOO_LONG");
  });
});

describe("before any negotiation", () => {
  test("the floor, the least preferred value, is in force", () => {
    const a = u32Capability("a", [3, 4]);
    expect(registryOf(a).floors().get(a)).toBe(3);
    expect(registryOf(a).floors().shared).toEqual([]);
  });

  test("a capability that was never registered is a bug, and thrown", () => {
    const run = (): unknown =>
      registryOf()
        .floors()
        .get(u32Capability("a", [1]));
    expect(codeOf(run)).toBe("UNKNOWN_CAPABILITY");
  });
});

describe("negotiation of two sides", () => {
  const a = u32Capability("a", [1, 2, 3]);

  test("takes the highest common value", () => {
    expect(negotiated(registryOf(a), adOf(u32Capability("a", [2, 3, 4]))).get(a)).toBe(3);
  });

  test("drops values of the peer that do not decode here", () => {
    const peer = {
      entries: [{ name: "a", values: [new Uint8Array([9]), u32(2), u32(3).slice(1)] }],
    };
    expect(negotiated(registryOf(a), peer).get(a)).toBe(2);
  });

  test("ignores names that only the peer has", () => {
    const result = negotiated(registryOf(a), adOf(a, u32Capability("b", [1])));
    expect(result.shared).toEqual([{ name: "a", value: u32(3) }]);
  });

  test("leaves a capability that the peer lacks at its floor, outside the shared result", () => {
    const result = negotiated(registryOf(a), adOf());
    expect(result.get(a)).toBe(1);
    expect(result.shared).toEqual([]);
  });

  test("uses the last of two entries of a name", () => {
    const peer = { entries: [u32(3), u32(2)].map((v) => ({ name: "a", values: [v] })) };
    expect(negotiated(registryOf(a), peer).get(a)).toBe(2);
  });

  test("names every capability without a common value, with both lists", () => {
    const b = u32Capability("b", [7]);
    const peer = adOf(u32Capability("a", [4, 5]), u32Capability("b", [8]));
    const result = registryOf(a, b).negotiate(peer);
    expect(result).toMatchObject({
      ok: false,
      conflicts: [
        {
          code: "NO_COMMON_VALUE",
          name: "a",
          localValues: [u32(1), u32(2), u32(3)],
          peerValues: [u32(4), u32(5)],
          reason:
            "capability a: [01000000, 02000000, 03000000] here, [04000000, 05000000] at the peer",
        },
        { code: "NO_COMMON_VALUE", name: "b" },
      ],
    });
  });

  test("a peer that advertises a name with no value at all has no common value", () => {
    const peer = { entries: [{ name: "a", values: [] }] };
    expect(registryOf(a).negotiate(peer)).toMatchObject({ ok: false });
  });

  test("a merge that invents a value counts as no common value", () => {
    const liar = { ...a, merge: () => 77 };
    expect(registryOf(liar).negotiate(adOf(a))).toMatchObject({ ok: false });
  });

  test("a peer's long lists and values give a short sentence", () => {
    const values = Array.from({ length: 500 }, () => new Uint8Array(16_384));
    const result = registryOf(a).negotiate({ entries: [{ name: "a", values }] });
    if (result.ok) throw new Error("negotiated");
    expect(result.conflicts[0]?.reason.length).toBeLessThan(2000);
    expect(result.conflicts[0]?.reason).toContain("and 484 more");
  });

  test("one peer's result never changes another's", () => {
    const registry = registryOf(a);
    const first = negotiated(registry, adOf(a));
    negotiated(registry, adOf(u32Capability("a", [1])));
    expect(first.get(a)).toBe(3);
  });
});

describe("symmetry", () => {
  const side = fc.dictionary(
    fc.constantFrom("a", "b", "c", "d"),
    fc.uniqueArray(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 }),
  );
  const build = (values: Record<string, number[]>): CapabilityRegistry =>
    registryOf(
      ...Object.entries(values).map(([n, v]) =>
        u32Capability(
          n,
          v.toSorted((x, y) => x - y),
        ),
      ),
    );

  test("for any two sides both compute the same, and the value is in both sets", () => {
    fc.assert(
      fc.property(side, side, (left, right) => {
        const one = build(left).negotiate(build(right).advertisement());
        const two = build(right).negotiate(build(left).advertisement());
        expect(one.ok).toBe(two.ok);
        if (!one.ok || !two.ok) return;
        expect(one.negotiated.shared).toEqual(two.negotiated.shared);
        expect(negotiationMismatch(one.negotiated, two.negotiated.shared)).toBeUndefined();
        for (const { name, value } of one.negotiated.shared) {
          const chosen = new DataView(value.buffer).getUint32(0, true);
          const common = (left[name] ?? []).filter((v) => right[name]?.includes(v));
          expect(chosen).toBe(Math.max(...common));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("comparing the two results", () => {
  const result = new Negotiated(
    [
      { name: "a", value: u32(1) },
      { name: "b", value: u32(2) },
    ],
    new Map(),
  );

  test("the order does not matter", () => {
    expect(negotiationMismatch(result, result.shared.toReversed())).toBeUndefined();
  });

  test.each([
    ["another value", [u32(1), u32(3)], ["a", "b"], "capability b: 02000000 here, 03000000"],
    ["a missing name", [u32(1)], ["a"], "capability b: the peer's result lacks it"],
    ["an extra name", [u32(1), u32(2), u32(1)], ["a", "b", "c"], 'capability "c": not shared'],
    ["a doubled name", [u32(1), u32(2), u32(2)], ["a", "b", "b"], "names a capability twice"],
  ])("%s is named", (_, values, names, sentence) => {
    const claimed = names.map((name, i) => ({ name, value: values[i] ?? u32(0) }));
    expect(negotiationMismatch(result, claimed)).toContain(sentence);
  });

  test("long values that differ only at their end differ", () => {
    const long = (last: number): Uint8Array => new Uint8Array(40).fill(last, 39);
    const mine = new Negotiated([{ name: "a", value: long(1) }], new Map());
    expect(negotiationMismatch(mine, [{ name: "a", value: long(2) }])).toContain("capability a");
  });
});
