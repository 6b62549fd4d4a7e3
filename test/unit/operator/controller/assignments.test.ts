import { expect, test } from "vitest";
import { Assignments } from "../../../../operator/controller/assignments.ts";
import type { PodAssignment } from "../../../../operator/control/index.ts";
import { cachedCapability, cachedDemand } from "../../../support/cached-resources.ts";

const pod = { metadata: { namespace: "shop", name: "web-0", uid: "uid-web-0" } };
const demand = cachedDemand();
const capability = cachedCapability();
const descriptorSet = { hash: "abc", content: new Uint8Array() };

function rig() {
  const told: PodAssignment[] = [];
  const assignments = new Assignments({
    world: {
      demandsSelecting: () => [demand],
      capabilitiesOf: () => [capability],
      unreadIn: () => ({ demands: [], capabilities: [] }),
    },
    sidecars: { assign: (it) => told.push(it) },
  });
  return { assignments, told };
}

/** Kinds and names of what a pod was told. */
function names(told: readonly PodAssignment[]): string[][] {
  return told.map(({ demands, capabilities }) =>
    [...demands, ...capabilities].map(({ kind, name, part }) =>
      part.value.type === "kept" ? `${kind} ${name}, kept` : `${kind} ${name}`,
    ),
  );
}

test("a pod is told of nothing before everything that selects it was looked at", () => {
  const { assignments, told } = rig();
  assignments.assign(pod);
  assignments.decide(demand, descriptorSet);
  assignments.assign(pod);
  expect(told).toEqual([]);
  assignments.decide(capability, descriptorSet);
  assignments.assign(pod);
  expect(names(told)).toEqual([["Demand thumbnails", "Capability thumbnailer"]]);
});

test("a Demand whose contract is lost is served as before", () => {
  const { assignments, told } = rig();
  assignments.decide(capability, undefined);
  assignments.decide(demand, descriptorSet);
  assignments.decide(demand, undefined);
  assignments.assign(pod);
  expect(names(told)).toEqual([["Demand thumbnails", "Capability thumbnailer, kept"]]);
});

test("only what differs is worth telling", () => {
  const { assignments } = rig();
  expect(assignments.decide(demand, descriptorSet)).toBe(true);
  expect(assignments.decide(demand, descriptorSet)).toBe(false);
  expect(assignments.decide(demand, undefined)).toBe(false);
  expect(assignments.decide(demand, { ...descriptorSet, hash: "other" })).toBe(true);
  const edited = { ...demand, metadata: { ...demand.metadata, generation: 2 } };
  expect(assignments.decide(edited, { ...descriptorSet, hash: "other" })).toBe(true);
});

test("what was decided is what a later pod gets, though the object has another spec by now", () => {
  const { assignments, told } = rig();
  assignments.decide(capability, descriptorSet);
  assignments.decide(demand, descriptorSet);
  const edited = cachedDemand((it) => {
    it.metadata.generation = 2;
    it.spec.maxProviders = 7;
  }, demand);
  assignments.decide(edited, undefined);
  assignments.assign(pod);
  assignments.decide(edited, { ...descriptorSet, hash: "other" });
  assignments.assign(pod);
  expect(told.map(({ demands }) => demands[0]?.maxProviders)).toEqual([10, 7]);
});

test("every pod is told of the same thing, made once", () => {
  const { assignments, told } = rig();
  assignments.decide(demand, descriptorSet);
  assignments.decide(capability, descriptorSet);
  assignments.assign(pod);
  assignments.assign({ metadata: { ...pod.metadata, name: "web-1", uid: "uid-web-1" } });
  expect(told[0]?.demands[0]).toBe(told[1]?.demands[0]);
});
