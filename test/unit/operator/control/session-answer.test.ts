/** The hub's answers held against the sidecar's own end of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DesiredDemand } from "../../../../operator/control/index.ts";
import { HeldConfig } from "../../../../sidecar/core/control/held-config.ts";
import { testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";

/** A Demand of one of a few contracts: which one, its descriptor set's first character says. */
function demandOf(uid: string, contract: string): DesiredDemand {
  const hash = contract.repeat(64);
  const content = new TextEncoder().encode(contract);
  return testDemand({ uid, descriptorSet: { hash, content } });
}

/** One pod, attached, and what its sidecar holds. */
class Pair {
  readonly #rig = HubRig.leading();
  readonly #pod = this.#rig.assign(testPod());
  readonly #held = new HeldConfig();
  #stream = this.#rig.attach(this.#pod);

  assign(...demands: readonly DesiredDemand[]): void {
    this.#rig.assign(this.#pod, { demands });
  }

  /** Everything that waits is taken over. @returns the cases, in order. */
  read(): (string | undefined)[] {
    return this.#rig.takeAll(this.#stream).map(({ case: kind, value }) => {
      if (kind === "descriptorSet") expect(this.#held.takeDescriptorSet(value)).toBe(true);
      if (kind === "configDelta") expect(this.#held.takeConfig(value)).toBe("taken");
      return kind;
    });
  }

  reconnect(): void {
    const { configVersion } = this.#held;
    this.#stream = this.#rig.attach(this.#pod, {
      descriptorSets: this.#held.descriptorSets().map(({ hash }) => hash),
      ...(configVersion && { configVersion }),
    });
  }

  /** Descriptor sets that resources name and the sidecar does not hold. */
  missing(): (string | undefined)[] {
    const held = new Set(this.#held.descriptorSets().map(({ hash }) => hash));
    return this.#held
      .demands()
      .map(({ config }) => config?.contract?.descriptorSet)
      .filter((hash) => !held.has(hash ?? ""));
  }
}

test("a resource that is deleted and applied again brings its descriptor set along", () => {
  const pair = new Pair();
  pair.assign(demandOf("d", "a"));
  pair.read();
  pair.assign();
  pair.read();
  pair.assign(demandOf("e", "a"));
  expect(pair.read()).toEqual(["descriptorSet", "configDelta"]);
  expect(pair.missing()).toEqual([]);
});

test("a contract that is changed and changed back brings its descriptor set along", () => {
  const pair = new Pair();
  for (const contract of ["a", "b", "a"]) {
    pair.assign(demandOf("d", contract));
    expect(pair.read()).toContain("descriptorSet");
    expect(pair.missing()).toEqual([]);
  }
});

test("a descriptor set that stays named is not sent again", () => {
  const pair = new Pair();
  const kept = demandOf("kept", "a");
  pair.assign(kept, demandOf("going", "a"));
  pair.read();
  pair.assign(kept);
  pair.read();
  pair.assign(kept, demandOf("new", "a"));
  expect(pair.read()).toEqual(["configDelta"]);
});

test("whatever is assigned and read when, no contract is without its descriptor set", () => {
  const contracts = fc.array(fc.constantFrom("a", "b", "c", undefined), { maxLength: 3 });
  const step = fc.oneof(
    contracts.map((chosen) => (pair: Pair) => {
      const demands = chosen.flatMap((it, index) => (it ? [demandOf(`d${index}`, it)] : []));
      pair.assign(...demands);
    }),
    fc.constant((pair: Pair) => void pair.read()),
    fc.constant((pair: Pair) => {
      pair.reconnect();
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const pair = new Pair();
      for (const take of steps) {
        take(pair);
        expect(pair.missing()).toEqual([]);
      }
      pair.read();
      expect(pair.missing()).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
