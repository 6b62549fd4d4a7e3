import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  Applied,
  CapabilityEntrySchema,
  DemandEntrySchema,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { WholeConfig } from "../../../sidecar/core/control/index.ts";
import { Resources } from "../../../sidecar/resources.ts";
import { echoDescriptorSet } from "../../support/node-cluster.ts";

const content = echoDescriptorSet();
const hash = createHash("sha256").update(content).digest("hex");
const echoSet = { $typeName: "spillway.control.v1.DescriptorSet" as const, hash, content };

interface DemandSpec {
  readonly uid: string;
  readonly generation?: number;
  readonly name?: string;
  readonly maxProviders?: number;
  readonly request?: string;
  readonly descriptorSet?: string;
}

function demand({ uid, generation = 1, name = uid, ...rest }: DemandSpec) {
  const { maxProviders = 10, request = "echo.v1.Ask", descriptorSet = hash } = rest;
  return create(DemandEntrySchema, {
    resource: { uid, generation: BigInt(generation) },
    config: {
      name,
      maxProviders,
      contract: { request, response: "echo.v1.Answer", descriptorSet },
    },
  });
}

let lastVersion = 0n;

function whole(demands: readonly DemandSpec[], over: Partial<WholeConfig> = {}): WholeConfig {
  lastVersion += 1n;
  const version = { number: lastVersion, digest: new Uint8Array() };
  return {
    version: { $typeName: "spillway.control.v1.Version", ...version },
    identity: { clusterId: "test", namespace: "shop", nodeId: "n" },
    demands: demands.map(demand),
    capabilities: [],
    descriptorSets: [echoSet],
    announcementKey: new Uint8Array(),
    ...over,
  };
}

function take(resources: Resources, demands: readonly DemandSpec[], over?: Partial<WholeConfig>) {
  const { config, outcome } = resources.take(whole(demands, over));
  return {
    names: config.demands.map(({ name }) => name),
    bounds: config.demands.map(({ maxProviders }) => maxProviders),
    sets: config.descriptorSets.length,
    applied: outcome.acknowledged.map(({ applied }) => applied),
    messages: outcome.acknowledged.map(({ message }) => message),
    inForce: outcome.inForce.map(({ resource }) => Number(resource.generation)),
  };
}

describe("resources of the operator", () => {
  it("are in force, each for itself: a bad one does not touch the others", () => {
    const taken = take(new Resources(), [{ uid: "a" }, { uid: "b", maxProviders: 5_000 }]);
    expect(taken.names).toEqual(["a"]);
    expect(taken.applied).toEqual([Applied.IN_FORCE, Applied.REFUSED]);
    expect(taken.messages[1]).toMatch(/maxProviders.*5000/);
  });

  it("keep what they were when their new generation is refused", () => {
    const resources = new Resources();
    take(resources, [{ uid: "a", maxProviders: 3 }]);
    const taken = take(resources, [{ uid: "a", generation: 2, maxProviders: 5_000 }]);
    expect([taken.bounds, taken.applied, taken.inForce]).toEqual([[3], [Applied.REFUSED], [1]]);
    const mended = take(resources, [{ uid: "a", generation: 3, maxProviders: 4 }]);
    expect([mended.bounds, mended.inForce]).toEqual([[4], [3]]);
  });

  it("keep the descriptors that they were good with", () => {
    const resources = new Resources();
    take(resources, [{ uid: "a" }]);
    const missing = { uid: "a", generation: 2, descriptorSet: "0".repeat(64) };
    const taken = take(resources, [missing], { descriptorSets: [] });
    expect(taken.applied).toEqual([Applied.CONTRACT_UNRESOLVED]);
    expect([taken.names, taken.sets]).toEqual([["a"], 1]);
  });

  it("whose messages are not in the descriptors are unresolved", () => {
    const taken = take(new Resources(), [{ uid: "a", request: "echo.v1.Nothing" }]);
    expect(taken.applied).toEqual([Applied.CONTRACT_UNRESOLVED]);
    expect(taken.messages[0]).toMatch(/echo\.v1\.Nothing/);
  });

  it("that are gone are gone", () => {
    const resources = new Resources();
    take(resources, [{ uid: "a" }, { uid: "b" }]);
    expect(take(resources, [{ uid: "b" }]).names).toEqual(["b"]);
  });

  it("of one name are one: the second is refused; a demand and a capability are not alike", () => {
    const twice = take(new Resources(), [
      { uid: "a", name: "x" },
      { uid: "b", name: "x" },
    ]);
    expect(twice.applied).toEqual([Applied.IN_FORCE, Applied.REFUSED]);
    const { resource, config } = demand({ uid: "c", name: "x" });
    const capability = create(CapabilityEntrySchema, {
      ...(resource === undefined ? {} : { resource }),
      config: {
        name: "x",
        ...(config?.contract === undefined ? {} : { contract: config.contract }),
      },
    });
    const both = take(new Resources(), [{ uid: "a", name: "x" }], { capabilities: [capability] });
    expect(both.applied).toEqual([Applied.IN_FORCE, Applied.IN_FORCE]);
  });

  it("with descriptors that are not what their hash says are refused", () => {
    const forged = { ...echoSet, content: new Uint8Array([1, 2, 3]) };
    const taken = take(new Resources(), [{ uid: "a" }], { descriptorSets: [forged] });
    expect(taken.applied).toEqual([Applied.REFUSED]);
    expect(taken.messages[0]).toMatch(/SHA-256/);
  });
});
