/** Promises about numbers: providers, credit, slots, queues. */
import type { CapabilityInput, DemandEffect } from "../../../sidecar/core/work/index.ts";
import {
  type CapabilityTurn,
  type DemandTurn,
  type ObservedCapability,
  type ObservedDemand,
  Violation,
  type Watcher,
} from "./observed.ts";
import type { SimNode } from "./sim-node.ts";

/** maxProviders is exact: never more links admitted, whatever arrives when. */
export class ProviderBound implements Watcher {
  readonly name = "max-providers";
  readonly #admitted = new Map<string, Set<number>>();

  afterDemand(demand: ObservedDemand, turn: DemandTurn): void {
    let admitted = this.#admitted.get(demand.id);
    if (admitted === undefined) {
      admitted = new Set();
      this.#admitted.set(demand.id, admitted);
    }
    // Effects come in the order of their causes; a lost link is no effect, so inputs set the pace.
    let next = 0;
    const applyUntil = (end: number): void => {
      for (; next < end; next++) this.#apply(demand, admitted, turn.effects[next]);
    };
    for (const input of turn.inputs) {
      if (input.type === "linkLost") admitted.delete(input.link);
      if (input.type !== "message" || input.message.kind.case !== "hello") continue;
      applyUntil(turn.effects.findIndex((effect) => isAdmit(effect, input.link)) + 1);
    }
    applyUntil(turn.effects.length);
  }

  #apply(demand: ObservedDemand, admitted: Set<number>, effect: DemandEffect | undefined): void {
    if (effect?.type === "closeLink") admitted.delete(effect.link);
    if (effect?.type !== "send") return;
    if (effect.message.kind.case === "full") admitted.delete(effect.link);
    if (effect.message.kind.case === "admit") admitted.add(effect.link);
    if (admitted.size > demand.options.maxProviders) {
      const count = `${String(admitted.size)} of ${String(demand.options.maxProviders)}`;
      throw new Violation(this.name, `${demand.id} admitted ${count} providers`);
    }
  }
}

function isAdmit(effect: DemandEffect, link: number): boolean {
  return effect.type === "send" && effect.link === link && effect.message.kind.case === "admit";
}

/** A demand never delivers above the credit of a link; a new link starts at 0. */
export class CreditBound implements Watcher {
  readonly name = "credit";
  readonly #links = new Map<string, { limit: number; delivered: number }>();

  afterDemand(demand: ObservedDemand, turn: DemandTurn): void {
    // The last limit of the turn holds: nothing is granted before its end.
    for (const input of turn.inputs) {
      if (input.type !== "message" || input.message.kind.case !== "credit") continue;
      this.#link(demand, input.link).limit = Number(input.message.kind.value.limit);
    }
    for (const effect of turn.effects) {
      if (effect.type !== "send" || effect.message.kind.case !== "deliver") continue;
      const link = this.#link(demand, effect.link);
      link.delivered += effect.message.kind.value.items.length;
      if (link.delivered > link.limit) {
        const count = `${String(link.delivered)} items with a limit of ${String(link.limit)}`;
        throw new Violation(this.name, `${demand.id} sent ${count}`);
      }
    }
  }

  #link(demand: ObservedDemand, link: number): { limit: number; delivered: number } {
    const key = `${demand.id}/${String(link)}`;
    let known = this.#links.get(key);
    if (known === undefined) {
      known = { limit: 0, delivered: 0 };
      this.#links.set(key, known);
    }
    return known;
  }
}

interface OfferedLink {
  readonly nodeId: string;
  /** The highest limit that may still hold, and deliveries that came. */
  limit: number;
  lastLimit: number;
  received: number;
}

/** What may still be delivered plus what is held never exceeds the slots of a capability. */
export class SlotBound implements Watcher {
  readonly name = "slots";
  readonly #links = new Map<string, Map<number, OfferedLink>>();

  afterCapability(capability: ObservedCapability, turn: CapabilityTurn, nowMs: number): void {
    let links = this.#links.get(capability.id);
    if (links === undefined) {
      links = new Map();
      this.#links.set(capability.id, links);
    }
    for (const input of turn.inputs) this.#takeInput(links, input);
    for (const effect of turn.effects) {
      if (effect.type === "openLink") {
        const { nodeId } = effect;
        links.set(effect.link, { nodeId, limit: 0, lastLimit: 0, received: 0 });
      } else if (effect.type === "closeLink") {
        links.delete(effect.link);
      } else if (effect.type === "send" && effect.message.kind.case === "credit") {
        const link = links.get(effect.link);
        const limit = Number(effect.message.kind.value.limit);
        if (link === undefined) continue;
        link.lastLimit = limit;
        link.limit = Math.max(link.limit, limit);
      }
    }
    const snapshot = capability.pool.snapshot(nowMs);
    let offered = 0;
    for (const link of links.values()) offered += Math.max(0, link.limit - link.received);
    const { concurrency } = capability.options;
    if (offered + snapshot.running > concurrency) {
      const sum = `${String(offered)} on offer and ${String(snapshot.running)} held`;
      throw new Violation(this.name, `${capability.id}: ${sum} of ${String(concurrency)} slots`);
    }
  }

  #takeInput(links: Map<number, OfferedLink>, input: CapabilityInput): void {
    if (input.type === "linkLost") links.delete(input.link);
    if (input.type === "sessionDown") {
      for (const [id, link] of links) if (link.nodeId === input.nodeId) links.delete(id);
    }
    if (input.type !== "message") return;
    const link = links.get(input.link);
    const { kind } = input.message;
    if (link === undefined) return;
    if (kind.case === "deliver") link.received += kind.value.items.length;
    if (kind.case === "creditTaken") link.limit = link.lastLimit;
    if (kind.case === "full" || kind.case === "draining") links.delete(input.link);
  }
}

/** Every queue, list and line of an engine stays within its bounds. */
export class Bounds implements Watcher {
  readonly name = "bounds";

  afterDemand(demand: ObservedDemand, turn: DemandTurn, nowMs: number): void {
    const { queue, deadLetter, retention } = demand.options;
    const snapshot = demand.queue.snapshot(nowMs);
    const { counts } = snapshot;
    this.#most(demand.id, "pending items", snapshot.pendingItems, queue.maxItems);
    this.#most(demand.id, "pending bytes", snapshot.pendingBytes, queue.maxBytes);
    this.#most(demand.id, "waiting adds", snapshot.waiters, queue.maxWaiters);
    // What a turn ended can be read until the next one.
    const fresh = turn.effects.filter((effect) => effect.type === "outcome").length;
    this.#most(demand.id, "dead letters", counts.dead, deadLetter.maxItems + fresh);
    const kept = counts.done + counts.cancelled + counts.expired;
    this.#most(demand.id, "outcomes", kept, retention.maxItems + fresh);
  }

  afterCapability(capability: ObservedCapability, _turn: CapabilityTurn, nowMs: number): void {
    const snapshot = capability.pool.snapshot(nowMs);
    const { maxDemands, maxPulls, concurrency } = capability.options;
    const joined = snapshot.demands.filter((demand) => demand.state === "joined").length;
    this.#most(capability.id, "joined demands", joined, maxDemands);
    this.#most(capability.id, "waiting pulls", snapshot.waitingPulls, maxPulls);
    this.#most(capability.id, "slots in use", snapshot.running, concurrency);
  }

  #most(id: string, what: string, value: number, bound: number): void {
    if (value > bound) {
      throw new Violation(this.name, `${id}: ${String(value)} ${what} of ${String(bound)}`);
    }
  }
}

/** Applications never work on more items than their capability has slots. */
export class WorkBound implements Watcher {
  readonly name = "work-bound";
  readonly #working = new Map<SimNode, Set<string>>();

  began(node: SimNode, lease: string): void {
    let working = this.#working.get(node);
    if (working === undefined) {
      working = new Set();
      this.#working.set(node, working);
    }
    if (working.has(lease)) {
      throw new Violation(this.name, `${node.self.nodeId} gave one lease to two processes`);
    }
    working.add(lease);
    const slots = node.capability?.observed.options.concurrency ?? 0;
    if (working.size > slots) {
      const count = `${String(working.size)} items with ${String(slots)} slots`;
      throw new Violation(this.name, `${node.self.nodeId} works on ${count}`);
    }
  }

  ended(node: SimNode, lease: string): void {
    this.#working.get(node)?.delete(lease);
  }
}
