import { expect, test } from "vitest";
import { check, notCarriedOut, schemas } from "../../../../operator/schema/index.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

function fieldsOf(change: (manifest: Json) => void): unknown {
  const checked = check(schemas.Demand, demandManifest(change));
  return checked.ok && notCarriedOut(checked.value);
}

test("a queue on disk and a rate limit are accepted and not carried out", () => {
  expect(fieldsOf(() => {})).toEqual([]);
  expect(fieldsOf((it) => (it.spec.queue = { durability: "Disk" }))).toEqual([
    { path: ["spec", "queue", "durability"], value: "Disk" },
  ]);
  expect(fieldsOf((it) => (it.spec.rateLimit = { perSecond: 5 }))).toEqual([
    { path: ["spec", "rateLimit"], value: "present" },
  ]);
});

test("everything of a Capability is carried out", () => {
  const checked = check(schemas.Capability, capabilityManifest());
  expect(checked.ok && notCarriedOut(checked.value)).toEqual([]);
});
