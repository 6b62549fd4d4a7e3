/** Started: what is said of leases in one turn. */
import { expect, test } from "vitest";
import { resolveCapabilityOptions } from "../../../../../sidecar/core/work/index.ts";
import { CapabilityState } from "../../../../../sidecar/core/work/capability-state.ts";
import type { HeldLease } from "../../../../../sidecar/core/work/held-lease.ts";
import { firstDelivery } from "../../../../support/capability-rig.ts";
import { rigContract } from "../../../../support/demand-rig.ts";

function stateOfLeases(...phases: readonly ("joined" | "asking")[]) {
  const state = new CapabilityState(
    { name: "resize", contract: rigContract, options: resolveCapabilityOptions() },
    { self: { nodeId: "worker-0", incarnation: 3 }, random: { next: () => 0.5 } },
  );
  const targets = phases.map((phase, index) => ({ link: { link: index + 1, phase } }));
  const lease = (sequence: number, place = 0): HeldLease =>
    ({ target: targets[place], wire: firstDelivery(sequence) }) as unknown as HeldLease;
  const named = (): number[][] =>
    state.takeEffects().flatMap((effect) => {
      if (effect.type !== "send" || effect.message.kind.case !== "started") return [];
      return [[effect.link, effect.message.kind.value.leases.length]];
    });
  return { state, lease, named };
}

test("more than 1,000 leases that start in one turn are split over messages", () => {
  const { state, lease, named } = stateOfLeases("joined");
  for (let sequence = 1; sequence <= 2_001; sequence++) state.sayStarted(lease(sequence));
  expect(named()).toEqual([
    [1, 1_000],
    [1, 1_000],
    [1, 1],
  ]);
});

test("each link gets a message of its own, and each turn", () => {
  const { state, lease, named } = stateOfLeases("joined", "joined");
  state.sayStarted(lease(1, 0));
  state.sayStarted(lease(1, 1));
  state.sayStarted(lease(2, 0));
  expect(named()).toEqual([
    [1, 2],
    [2, 1],
  ]);
  state.sayStarted(lease(3, 0));
  expect(named()).toEqual([[1, 1]]);
});

test("nothing is said over a link whose Hello has no answer yet", () => {
  const { state, lease, named } = stateOfLeases("asking");
  state.sayStarted(lease(1));
  expect(named()).toEqual([]);
});
