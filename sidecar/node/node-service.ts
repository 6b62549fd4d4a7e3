/** The node as the API and the embedded SDK call it. */
import type { NodeService } from "../api/ports.ts";
import type { Health } from "../runtime/index.ts";
import type { Node } from "./node.ts";

/**
 * Joins the halves of a node into the one port.
 * @param drain begins the drain of the whole process; resolves when nothing is held or pending.
 */
export function nodeServiceOf(node: Node, health: Health, drain: () => Promise<void>): NodeService {
  const { demands, capabilities, neighbourhood } = node;
  return {
    get configured() {
      return node.configured;
    },
    contractOf(kind, name) {
      const hosts = kind === "demand" ? demands.hosts : capabilities.hosts;
      return hosts.get(name)?.contract.resolved;
    },
    demands: () => demands.demands(),
    demand: (name) => demands.demand(name),
    add: (...args) => demands.add(...args),
    item: (ticket) => demands.item(ticket),
    items: (...args) => demands.items(...args),
    explain: (ticket) => demands.explain(ticket),
    waitForItem: (...args) => demands.waitForItem(...args),
    cancel: (ticket) => demands.cancel(ticket),
    subscribeOutcomes: (...args) => demands.subscribeOutcomes(...args),
    capabilities: () => capabilities.capabilities(),
    capability: (name) => capabilities.capability(name),
    pull: (...args) => capabilities.pull(...args),
    settle: (...args) => capabilities.settle(...args),
    capabilityOfLease: (lease) => capabilities.capabilityOfLease(lease),
    openPresence: (capability) => capabilities.openPresence(capability),
    tellObstacle: (...args) => {
      capabilities.tellObstacle(...args);
    },
    onLeaseEnded: (...args) => capabilities.onLeaseEnded(...args),
    peers: () => neighbourhood.views(),
    readiness: () => health.readiness(),
    drain,
  };
}
