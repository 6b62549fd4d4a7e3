import fc from "fast-check";
import { expect, test } from "vitest";
import { SessionOffer } from "../../../../sidecar/wire/session-offer.ts";

test("two sides compute the same values, whichever sets they have, or both none", () => {
  const versions = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
  const sorted = versions.map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(sorted, sorted, (ours, theirs) => {
      const here = new SessionOffer({ framing: ours });
      const there = new SessionOffer({ framing: theirs });
      const a = here.agree(there.blob);
      const b = there.agree(here.blob);
      const common = ours.filter((version) => theirs.includes(version));
      expect(a.ok).toBe(common.length > 0);
      expect(b.ok).toBe(a.ok);
      if (!a.ok || !b.ok) {
        if (!a.ok) expect(a.breach.code).toBe("NO_COMMON_VALUE");
        return;
      }
      expect(a.agreed.framing).toBe(Math.max(...common));
      expect(b.agreed.framing).toBe(a.agreed.framing);
      expect(a.agreed.mismatch(b.agreed.shared)).toBeUndefined();
      expect(a.agreed.mismatch([])).toBeTypeOf("string");
    }),
  );
});

test("any bytes: an agreement or a breach, never a throw", () => {
  const offer = new SessionOffer();
  const mutated = fc
    .array(fc.tuple(fc.nat(offer.blob.length - 1), fc.nat(255)), { maxLength: 6 })
    .map((edits) => {
      const bytes = offer.blob.slice();
      for (const [place, byte] of edits) bytes[place] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
      const result = offer.agree(bytes);
      if (!result.ok) expect(["MALFORMED", "NO_COMMON_VALUE"]).toContain(result.breach.code);
    }),
  );
});

test("a peer that lacks a capability gets its floor", () => {
  const bare = Uint8Array.from([...Buffer.from("DHS1\0\0CAP\u0001", "latin1"), ...[0, 0, 0, 0]]);
  const result = new SessionOffer().agree(bare);
  expect(result).toMatchObject({ ok: true, agreed: { framing: 2, maxFrameBytes: 262_144 } });
});
