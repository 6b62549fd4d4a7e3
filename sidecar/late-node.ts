/**
 * The node behind listeners that open before there is one: every call goes to the node of the
 * moment, and before the first configuration to one that refuses.
 */
import type { NodeService, Result } from "./api/ports.ts";
import type { Health } from "./runtime/index.ts";

/** @param current the node of the moment. */
export function lateNode(current: () => NodeService): NodeService {
  return {
    get configured() {
      return current().configured;
    },
    contractOf: (...args) => current().contractOf(...args),
    demands: () => current().demands(),
    demand: (name) => current().demand(name),
    add: (...args) => current().add(...args),
    item: (ticket) => current().item(ticket),
    items: (...args) => current().items(...args),
    explain: (ticket) => current().explain(ticket),
    waitForItem: (...args) => current().waitForItem(...args),
    cancel: (ticket) => current().cancel(ticket),
    subscribeOutcomes: (...args) => current().subscribeOutcomes(...args),
    capabilities: () => current().capabilities(),
    capability: (name) => current().capability(name),
    pull: (...args) => current().pull(...args),
    settle: (...args) => current().settle(...args),
    capabilityOfLease: (lease) => current().capabilityOfLease(lease),
    openPresence: (capability) => current().openPresence(capability),
    tellObstacle: (...args) => {
      current().tellObstacle(...args);
    },
    onLeaseEnded: (...args) => current().onLeaseEnded(...args),
    peers: () => current().peers(),
    readiness: () => current().readiness(),
    drain: () => current().drain(),
  };
}

/** A node that has no configuration yet: it holds nothing and refuses everything. */
export function unconfiguredNode(health: Health): NodeService {
  const refuse = (): Result<never> => ({
    ok: false,
    refusal: {
      code: "NOT_CONFIGURED",
      detail: "The sidecar has no configuration yet. Try again shortly.",
    },
  });
  const refuseLater = (): Promise<Result<never>> => Promise.resolve(refuse());
  return {
    configured: false,
    contractOf: () => undefined,
    demands: () => [],
    demand: refuse,
    add: refuseLater,
    item: refuse,
    items: refuse,
    explain: refuse,
    waitForItem: refuseLater,
    cancel: refuseLater,
    subscribeOutcomes: refuse,
    capabilities: () => [],
    capability: refuse,
    pull: refuseLater,
    settle: refuseLater,
    capabilityOfLease: () => undefined,
    openPresence: refuse,
    tellObstacle: () => undefined,
    onLeaseEnded: () => () => undefined,
    peers: () => [],
    readiness: () => health.readiness(),
    drain: () => Promise.resolve(),
  };
}
