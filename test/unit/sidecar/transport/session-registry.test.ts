import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeSessions } from "../../../../sidecar/transport/session-registry.ts";

test("the newer incarnation stays, whoever dialled and whoever came first", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (first, second, candidateIsNewer) => {
      const verdict = judgeSessions(
        { localId: "a", peerId: "b" },
        { incarnation: candidateIsNewer ? 1 : 2, dialled: first },
        { incarnation: candidateIsNewer ? 2 : 1, dialled: second },
      );
      expect(verdict.code).toBe("SUPERSEDED");
      expect(verdict.goes).toBe(candidateIsNewer ? "existing" : "candidate");
    }),
  );
});

test("the second session of one dialler stays", () => {
  const facts = { incarnation: 1, dialled: true };
  expect(judgeSessions({ localId: "a", peerId: "b" }, facts, facts)).toMatchObject({
    goes: "existing",
    code: "SUPERSEDED",
  });
});

test("when both dialled, both nodes keep the lower one's session, in either order", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 2 }), ([x, y]) => {
      const names = [x ?? "", y ?? ""];
      const lower = names[0] !== undefined && names[1] !== undefined && names[0] < names[1];
      for (const [localId, peerId] of [names, names.toReversed()] as [string, string][]) {
        for (const existingIsOwn of [true, false]) {
          const verdict = judgeSessions(
            { localId, peerId },
            { incarnation: 1, dialled: existingIsOwn },
            { incarnation: 1, dialled: !existingIsOwn },
          );
          expect(verdict.code).toBe("DUPLICATE_SESSION");
          const keptIsOwn = existingIsOwn === (verdict.goes === "candidate");
          expect(keptIsOwn ? localId : peerId).toBe(lower ? names[0] : names[1]);
        }
      }
    }),
  );
});
