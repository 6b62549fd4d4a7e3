import { expect, test } from "vitest";
import { readCapability, readDemand } from "../../../../operator/schema/index.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

/** A manifest as the API server gives it back. */
function stored(manifest: Json, change: (it: Json) => void = () => {}): Json {
  Object.assign(manifest.metadata, {
    namespace: "shop",
    uid: "3f0c",
    resourceVersion: "7",
    generation: 2,
    creationTimestamp: "2026-01-01T00:00:00Z",
    managedFields: [{ manager: "kubectl" }],
  });
  change(manifest);
  return manifest;
}

const ready = {
  type: "Ready",
  status: "True",
  observedGeneration: 2,
  lastTransitionTime: "2026-01-01T00:00:01Z",
  reason: "Serving",
  message: "",
};

test("a stored Demand is read with its metadata and every default", () => {
  const read = readDemand(stored(demandManifest()));
  expect(read.ok && read.resource.spec.maxProviders).toBe(10);
  expect(read.resource.metadata).toMatchObject({
    name: "thumbnails",
    namespace: "shop",
    uid: "3f0c",
    generation: 2,
    labels: {},
    annotations: {},
  });
  expect(read.resource.kind).toBe("Demand");
});

test("a status is read with the conditions that this version knows, and without the others", () => {
  const conditions = [ready, { ...ready, type: "Magic" }, { ...ready, reason: "Magic" }];
  const demand = stored(demandManifest(), (it) => {
    it.status = { queues: 2, items: { ready: 3 }, conditions };
  });
  expect(readDemand(demand).resource.status).toEqual({
    queues: 2,
    items: { ready: 3 },
    conditions: [ready],
  });
  const capability = stored(capabilityManifest(), (it) => {
    it.status = { providers: 2, multicast: { reachable: 1 }, conditions: [] };
  });
  expect(readCapability(capability).resource.status).toEqual({
    providers: 2,
    multicast: { reachable: 1 },
    conditions: [],
  });
});

test("a status that is none, or that a stranger wrote, counts as not written", () => {
  expect(readDemand(stored(demandManifest())).resource.status).toBeUndefined();
  const strange = stored(demandManifest(), (it) => (it.status = { queues: "many" }));
  expect(readDemand(strange).resource.status).toBeUndefined();
  const other = stored(capabilityManifest(), (it) => (it.status = { queues: 1 }));
  expect(readCapability(other).resource.status).toBeUndefined();
});

test("a spec that breaks today's rules is refused with its fields, its metadata stay", () => {
  const read = readCapability(stored(capabilityManifest(), (it) => (it.spec.concurrency = 0)));
  expect(!read.ok && read.refusals.map(({ field }) => field)).toEqual(["spec.concurrency"]);
  expect(read.resource.metadata.name).toBe("thumbnailer");
});

test("an object without the metadata of a server throws", () => {
  expect(() => readDemand(demandManifest())).toThrow("uid");
});
