import { MemoryNetwork, type MemoryNetworkOptions } from "../../../sidecar/transport/index.ts";
import { FakeTime } from "../../support/fake-time.ts";
import type { TransportHarness } from "./harness.ts";

/** The in-process network in fake time, 1 ms apart. */
export function createMemoryHarness(
  options: Omit<MemoryNetworkOptions, "timers"> = {},
): TransportHarness {
  const time = new FakeTime();
  const network = new MemoryNetwork({ delayMs: () => 1, ...options, timers: time });
  return {
    clock: time,
    timers: time,
    turns: time,
    listenHost: "memory",
    factoryOf: async (node) => network.factoryOf(node),
    route: async (_from, target) => target,
    cut: (nodeId, otherId) => network.cut(nodeId, otherId),
    freeze: (nodeId, otherId) => network.halfOpen(nodeId, otherId),
    thaw: (nodeId, otherId) => network.heal(nodeId, otherId),
    until: (condition, withinMs, what) => time.until(condition, withinMs, what),
    elapse: (ms) => time.elapse(ms),
    close: async () => {},
  };
}
