import { expect, test } from "vitest";
import { readOf } from "../../../../operator/controller/cached-resource.ts";
import { cachedCapability, cachedDemand } from "../../../support/cached-resources.ts";
import { type Json } from "../../../support/manifests.ts";
import { storedCapability, storedDemand } from "../../../support/reconcile-rig.ts";

const status: Json = {
  observedGeneration: 1,
  selectedPods: 3,
  conditions: [
    {
      type: "Accepted",
      status: "True",
      observedGeneration: 1,
      lastTransitionTime: "2026-01-01T00:00:00Z",
      reason: "Valid",
      message: "The spec is valid and its contract is resolved.",
    },
  ],
};

const scaled = (it: Json) => {
  it.spec.scale = { targetRef: { kind: "Deployment", name: "worker" }, maxReplicas: 3 };
};

test.each([
  ["a bare one", () => {}],
  ["one with a status", (it: Json) => (it.status = status)],
  ["one that cannot be read", (it: Json) => (it.spec.maxProviders = "many")],
  ["one that is paused", (it: Json) => (it.metadata.annotations = paused)],
  ["one that ends", (it: Json) => (it.metadata.deletionTimestamp = "2026-01-01T00:00:00Z")],
])("a Demand is read as it came: %s", (_, change: (it: Json) => void) => {
  expect(readOf(cachedDemand(change))).toEqual(storedDemand(change));
});

const paused = { "spillway.dev/reconcile": "paused" };

test("a Capability is read as it came", () => {
  expect(readOf(cachedCapability(scaled))).toEqual(storedCapability(scaled));
});

test("what is asked of all at once is there without reading", () => {
  const contractMap = "shop/images";
  const route = "shop/images.v1.ThumbnailRequest/images.v1.Thumbnail";
  expect(cachedDemand().kept?.facts).toEqual({
    selector: { matchLabels: { app: "web" } },
    route,
    contractMap,
    scaleTarget: undefined,
    desiredProviders: 1,
  });
  expect(cachedCapability(scaled).kept?.facts).toMatchObject({
    scaleTarget: "shop/Deployment/worker",
  });
  expect(cachedDemand((it) => (it.spec.maxProviders = "many")).kept?.facts).toBeUndefined();
});

test("a version with another status shares the rest with the one before", () => {
  const before = cachedDemand();
  const after = cachedDemand((it) => {
    it.metadata.resourceVersion = "8";
    it.status = status;
  }, before);
  expect(after.kept).toBe(before.kept);
  expect(after.metadata.resourceVersion).toBe("8");
  const again = cachedDemand((it) => {
    it.metadata.generation = 2;
    it.spec.maxProviders = 7;
    it.status = status;
  }, after);
  expect(again.kept).not.toBe(before.kept);
  expect(again.shown).toBe(after.shown);
});

test("a version of the same generation is what it came as, whatever else changed", () => {
  const change = (it: Json) => {
    it.metadata.resourceVersion = "8";
    it.metadata.annotations = paused;
    it.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    it.status = { ...status, observedGeneration: "odd" };
  };
  const withStatus = cachedDemand((it) => (it.status = status));
  expect(readOf(cachedDemand(change, withStatus))).toEqual(storedDemand(change));
  const scaling = cachedCapability(scaled);
  const later = (it: Json) => {
    scaled(it);
    change(it);
  };
  expect(readOf(cachedCapability(later, scaling))).toEqual(storedCapability(later));
});

test("an object made anew under the name of another has its own metadata", () => {
  const change = (it: Json) => (it.metadata.uid = "new");
  expect(cachedDemand(change, cachedDemand()).metadata).toEqual(cachedDemand(change).metadata);
});

test("what no cache took in cannot be read", () => {
  const { kind, metadata } = cachedDemand();
  expect(() => readOf({ kind, metadata })).toThrow(/thumbnails was not read/);
});
