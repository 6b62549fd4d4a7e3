import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConfigDelta,
  ConfigDeltaSchema,
  PeersDeltaSchema,
} from "../../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { HeldConfig } from "../../../../../sidecar/core/control/index.ts";
import { controlLimits } from "../../../../../sidecar/core/control/control-limits.ts";

function version(number: number) {
  return { number: BigInt(number), digest: new Uint8Array([number & 255, number >> 8]) };
}

function demand(uid: string, generation = 1, descriptorSet = "set") {
  return {
    resource: { uid, generation: BigInt(generation) },
    config: { name: uid, contract: { request: "a", response: "b", descriptorSet } },
  };
}

function setOf(hash: string) {
  return {
    $typeName: "spillway.control.v1.DescriptorSet" as const,
    hash,
    content: new Uint8Array(),
  };
}

function deltaOf(init: Parameters<typeof create<typeof ConfigDeltaSchema>>[1]): ConfigDelta {
  return create(ConfigDeltaSchema, init);
}

function uids(held: HeldConfig): string[] {
  return held.demands().map(({ resource }) => resource?.uid ?? "");
}

describe("what is held of the operator's word", () => {
  it("is replaced by a delta without a base and changed by one with it", () => {
    const held = new HeldConfig();
    expect(
      held.takeConfig(deltaOf({ version: version(1), demands: [demand("a"), demand("b")] })),
    ).toBe("taken");
    const change = {
      base: version(1),
      version: version(2),
      demands: [demand("c")],
      removed: ["a"],
    };
    expect(held.takeConfig(deltaOf(change))).toBe("taken");
    expect(uids(held)).toEqual(["b", "c"]);
    held.takeConfig(deltaOf({ version: version(3), demands: [demand("d")] }));
    expect(uids(held)).toEqual(["d"]);
  });

  it("does not take a change of a version that is not held", () => {
    const held = new HeldConfig();
    held.takeConfig(deltaOf({ version: version(2), demands: [demand("a")] }));
    const other = { ...version(2), digest: new Uint8Array([9]) };
    for (const base of [version(1), other]) {
      const change = deltaOf({ base, version: version(3), removed: ["a"] });
      expect(held.takeConfig(change)).toBe("gap");
    }
    expect(held.takeConfig(deltaOf({ removed: ["a"] }))).toBe("gap");
    expect(uids(held)).toEqual(["a"]);
  });

  it("does not take an old number, also as a whole", () => {
    const held = new HeldConfig();
    held.takeConfig(deltaOf({ version: version(5), demands: [demand("a")] }));
    expect(held.takeConfig(deltaOf({ version: version(5) }))).toBe("old");
    expect(held.takeConfig(deltaOf({ version: version(4) }))).toBe("old");
    expect(uids(held)).toEqual(["a"]);
  });

  it("keeps bundle and key that a delta does not name", () => {
    const held = new HeldConfig();
    const key = new Uint8Array(32).fill(1);
    held.takeConfig(
      deltaOf({ version: version(1), trustBundle: { pem: "P" }, announcementKey: key }),
    );
    held.takeConfig(deltaOf({ version: version(2) }));
    expect([held.trustBundle, held.announcementKey]).toEqual(["P", key]);
  });

  it("forgets descriptor sets that nothing names, with the delta that stops naming them", () => {
    const held = new HeldConfig();
    held.takeDescriptorSet(setOf("one"));
    held.takeDescriptorSet(setOf("two"));
    held.takeConfig(deltaOf({ version: version(1), demands: [demand("a", 1, "one")] }));
    expect(held.descriptorSets().map(({ hash }) => hash)).toEqual(["one"]);
  });

  it("refuses more descriptor sets than its bound", () => {
    const held = new HeldConfig();
    for (let index = 0; index < controlLimits.descriptorSets; index++) {
      expect(held.takeDescriptorSet(setOf(String(index)))).toBe(true);
    }
    expect(held.takeDescriptorSet(setOf("one more"))).toBe(false);
    expect(held.takeDescriptorSet(setOf("0"))).toBe(true);
  });

  it("leaves peers beyond its bound out", () => {
    const held = new HeldConfig();
    const peers = Array.from({ length: controlLimits.peers + 5 }, (_, index) => ({
      nodeId: `n${String(index)}`,
    }));
    held.takePeers(create(PeersDeltaSchema, { version: version(1), peers }));
    expect(held.peers()).toHaveLength(controlLimits.peers);
    const gone = { base: version(1), version: version(2), removed: ["n0"] };
    held.takePeers(create(PeersDeltaSchema, { ...gone, peers: [{ nodeId: "new" }] }));
    expect(held.peers().at(-1)?.nodeId).toBe("new");
  });

  it("takes anything whole once its versions are forgotten, and keeps what it has until then", () => {
    const held = new HeldConfig();
    held.takeConfig(deltaOf({ version: version(7), demands: [demand("a")] }));
    held.forgetVersions();
    expect(uids(held)).toEqual(["a"]);
    expect(held.wholeConfig()).toBeUndefined();
    expect(held.takeConfig(deltaOf({ version: version(3), demands: [demand("b")] }))).toBe("taken");
    expect(uids(held)).toEqual(["b"]);
  });

  it("is the same by deltas as told whole, and as read back from what was kept", () => {
    const step = fc.record({
      put: fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 1, max: 9 }))),
      removed: fc.array(fc.constantFrom("a", "b", "c", "d")),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const held = new HeldConfig();
        const model = new Map<string, number>();
        held.takeConfig(deltaOf({ version: version(1) }));
        for (const [index, { put, removed }] of steps.entries()) {
          const names = new Set(put.map(([uid]) => uid));
          const gone = removed.filter((uid) => !names.has(uid));
          for (const uid of gone) model.delete(uid);
          for (const [uid, generation] of put) model.set(uid, generation);
          const delta = {
            base: version(index + 1),
            version: version(index + 2),
            demands: put.map(([uid, generation]) => demand(uid, generation)),
            removed: gone,
          };
          expect(held.takeConfig(deltaOf(delta))).toBe("taken");
        }
        const shown = (each: HeldConfig) =>
          each
            .demands()
            .map(({ resource }) => [resource?.uid, Number(resource?.generation)])
            .toSorted();
        expect(shown(held)).toEqual([...model].toSorted());
        const again = new HeldConfig({ config: held.wholeConfig() });
        expect(shown(again)).toEqual(shown(held));
        expect(again.configVersion).toEqual(held.configVersion);
      }),
    );
  });
});
