/**
 * A simulated sidecar: its engines, the pump that feeds them, the channels between their links and
 * the sessions. Decides nothing: what it does with an effect is what sidecar/node does.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ToDemandSchema, ToProviderSchema } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import {
  type CapabilityEffect,
  type CapabilityInput,
  type CapabilityOptions,
  CapabilityPool,
  type CapabilityReply,
  type DemandEffect,
  type DemandInput,
  type DemandOptions,
  DemandQueue,
  type DemandReply,
  type WorkContract,
  type WorkPeer,
} from "../../../sidecar/core/work/index.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { World } from "../world.ts";
import type { SessionEnd, SimSession } from "../network.ts";
import type { ObservedCapability, ObservedDemand, Watcher } from "./observed.ts";
import { SimPump, type TurnHabits } from "./sim-pump.ts";

/** The one contract of the simulation. */
export const simContract: WorkContract = {
  request: "sim.Request",
  response: "sim.Response",
  contractHash: new Uint8Array(32).fill(7),
};

/** What one start of a node is made of. */
export interface NodeSpec {
  readonly demands: readonly { readonly name: string; readonly options: DemandOptions }[];
  readonly capability: { readonly name: string; readonly options: CapabilityOptions } | undefined;
}

/** What the node's surroundings do for it. */
export interface NodeSurroundings {
  /** Sessions are wanted with exactly these. */
  want(node: SimNode, nodeIds: readonly string[]): void;
  /** The application's side of the effects. */
  demandEffect(node: SimNode, demand: string, effect: DemandEffect): void;
  capabilityEffect(node: SimNode, effect: CapabilityEffect): void;
}

interface Channel {
  readonly session: SimSession;
  readonly side: "dialler" | "acceptor";
  readonly channel: number;
}

class CountingSequences {
  last = 0;

  next(): number {
    this.last += 1;
    return this.last;
  }
}

/** One start of one node. */
export class SimNode {
  readonly self: WorkPeer;
  readonly demands = new Map<
    string,
    { readonly observed: ObservedDemand; readonly pump: SimPump<DemandInput, DemandEffect> }
  >();
  readonly capability:
    | {
        readonly observed: ObservedCapability;
        readonly pump: SimPump<CapabilityInput, CapabilityEffect>;
      }
    | undefined;
  alive = true;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #turns: TurnHabits;
  readonly #watchers: readonly Watcher[];
  readonly #surroundings: NodeSurroundings;
  /** Sessions this node dialled, by peer. */
  readonly #dialled = new Map<string, { readonly session: SimSession; readonly peer: WorkPeer }>();
  readonly #poolChannels = new Map<number, Channel>();
  readonly #poolLinks = new Map<string, number>();
  readonly #demandChannels = new Map<number, Channel & { readonly demand: string }>();
  readonly #demandLinks = new Map<string, { readonly link: number; readonly demand: string }>();
  readonly #sessionIds = new Map<SimSession, number>();
  #lastLink = 0;
  #lastChannel = 0;

  constructor(
    self: WorkPeer,
    spec: NodeSpec,
    components: {
      readonly world: World;
      readonly random: SeededRandom;
      readonly turns: TurnHabits;
      readonly watchers: readonly Watcher[];
      readonly surroundings: NodeSurroundings;
    },
  ) {
    this.self = self;
    this.#world = components.world;
    this.#random = components.random;
    this.#turns = components.turns;
    this.#watchers = components.watchers;
    this.#surroundings = components.surroundings;
    const sequences = new CountingSequences();
    for (const { name, options } of spec.demands) {
      const queue = new DemandQueue(
        { name, contract: simContract, options },
        { self, sequences, random: components.random.fork() },
      );
      const id = `${self.nodeId}#${String(self.incarnation)}/${name}`;
      const observed: ObservedDemand = { node: self, queue, options, id };
      this.demands.set(name, { observed, pump: this.#demandPump(observed, name) });
    }
    if (spec.capability !== undefined) {
      const { name, options } = spec.capability;
      const pool = new CapabilityPool(
        { name, contract: simContract, options },
        { self, random: components.random.fork() },
      );
      const id = `${self.nodeId}#${String(self.incarnation)}/${name}`;
      const observed: ObservedCapability = { node: self, pool, options, id };
      this.capability = { observed, pump: this.#capabilityPump(observed) };
    }
  }

  /** The process is killed: nothing of it runs any more. Its sessions break. */
  kill(): void {
    this.alive = false;
    for (const watcher of this.#watchers) watcher.nodeDied?.(this.self);
  }

  /** A session that this node dialled is open. */
  dialled(session: SimSession, peer: WorkPeer): void {
    const earlier = this.#dialled.get(peer.nodeId);
    if (earlier !== undefined) this.#dialledDown(earlier.session, peer.nodeId);
    this.#dialled.set(peer.nodeId, { session, peer });
    this.capability?.pump.handle({
      type: "sessionUp",
      nodeId: peer.nodeId,
      incarnation: peer.incarnation,
    });
  }

  hasSessionWith(nodeId: string): boolean {
    return this.#dialled.has(nodeId);
  }

  /** The end of a session at its dialler: links of the capability. */
  diallerEnd(peer: WorkPeer, session: () => SimSession): SessionEnd {
    return {
      onMessage: (channel, bytes) => {
        const link = this.#poolLinks.get(this.#key(session(), channel));
        if (!this.alive || link === undefined) return;
        const message = fromBinary(ToProviderSchema, bytes);
        this.#world.note(
          () => `${this.self.nodeId} ← ${peer.nodeId} link ${String(link)}: ${brief(message.kind)}`,
        );
        this.capability?.pump.handle({ type: "message", link, message });
      },
      onChannelClosed: (channel) => {
        const key = this.#key(session(), channel);
        const link = this.#poolLinks.get(key);
        if (!this.alive || link === undefined) return;
        this.#poolLinks.delete(key);
        this.#poolChannels.delete(link);
        this.capability?.pump.handle({ type: "linkLost", link });
      },
      onDown: () => {
        if (this.alive) this.#dialledDown(session(), peer.nodeId);
      },
    };
  }

  /** The end of a session at its acceptor: links of the demands. */
  acceptorEnd(peer: WorkPeer, session: () => SimSession): SessionEnd {
    return {
      onMessage: (channel, bytes) => {
        if (this.alive) this.#demandMessage(peer, session(), channel, bytes);
      },
      onChannelClosed: (channel) => {
        if (this.alive) this.#demandLinkLost(this.#key(session(), channel));
      },
      onDown: () => {
        if (!this.alive) return;
        const prefix = `${String(this.#sessionId(session()))}/`;
        for (const key of [...this.#demandLinks.keys()]) {
          if (key.startsWith(prefix)) this.#demandLinkLost(key);
        }
      },
    };
  }

  #demandMessage(peer: WorkPeer, session: SimSession, channel: number, bytes: Uint8Array): void {
    const message = fromBinary(ToDemandSchema, bytes);
    const key = this.#key(session, channel);
    let known = this.#demandLinks.get(key);
    if (known === undefined) {
      if (message.kind.case !== "hello") return;
      const name = message.kind.value.demand;
      const demand = this.demands.get(name);
      if (demand === undefined) return;
      this.#lastLink += 1;
      known = { link: this.#lastLink, demand: name };
      this.#demandLinks.set(key, known);
      this.#demandChannels.set(known.link, { session, side: "acceptor", channel, demand: name });
      demand.pump.handle({ type: "linkOpened", link: known.link, peer });
    }
    const { link, demand } = known;
    this.#world.note(
      () =>
        `${this.self.nodeId}/${demand} ← ${peer.nodeId} link ${String(link)}: ${brief(message.kind)}`,
    );
    this.demands.get(known.demand)?.pump.handle({ type: "message", link: known.link, message });
  }

  #demandLinkLost(key: string): void {
    const known = this.#demandLinks.get(key);
    if (known === undefined) return;
    this.#demandLinks.delete(key);
    this.#demandChannels.delete(known.link);
    this.demands
      .get(known.demand)
      ?.pump.handle({ type: "linkLost", link: known.link, clean: false });
  }

  #dialledDown(session: SimSession, nodeId: string): void {
    if (this.#dialled.get(nodeId)?.session !== session) return;
    this.#dialled.delete(nodeId);
    for (const [link, channel] of [...this.#poolChannels]) {
      if (channel.session !== session) continue;
      this.#poolChannels.delete(link);
      this.#poolLinks.delete(this.#key(session, channel.channel));
    }
    this.capability?.pump.handle({ type: "sessionDown", nodeId });
  }

  #demandPump(observed: ObservedDemand, name: string): SimPump<DemandInput, DemandEffect> {
    const watchers = this.#watchers;
    let recorded: number[] = [];
    return new SimPump(observed.queue, {
      ...this.#pumpComponents(),
      name: observed.id,
      gathered: ["add", "message"],
      beforeTake: (input) => {
        for (const watcher of watchers) watcher.beforeTake?.(observed, input);
      },
      afterTake: (input) => {
        recorded.push(observed.queue.lastOutcome());
        if (input === undefined) return;
        for (const watcher of watchers) watcher.afterTake?.(observed, input);
      },
      afterTurn: (turn) => {
        const seen = { ...turn, recorded };
        recorded = [];
        for (const watcher of watchers) watcher.afterDemand?.(observed, seen, this.#world.nowMs);
        for (const effect of turn.effects) this.#performDemand(name, effect);
      },
    });
  }

  #capabilityPump(observed: ObservedCapability): SimPump<CapabilityInput, CapabilityEffect> {
    return new SimPump(observed.pool, {
      ...this.#pumpComponents(),
      name: observed.id,
      gathered: ["pull", "verb", "message"],
      beforeTake: () => undefined,
      afterTake: () => undefined,
      afterTurn: (turn) => {
        for (const watcher of this.#watchers) {
          watcher.afterCapability?.(observed, turn, this.#world.nowMs);
        }
        for (const effect of turn.effects) this.#performCapability(effect);
      },
    });
  }

  #pumpComponents(): {
    readonly world: World;
    readonly random: SeededRandom;
    readonly habits: TurnHabits;
    readonly isAlive: () => boolean;
  } {
    return {
      world: this.#world,
      random: this.#random.fork(),
      habits: this.#turns,
      isAlive: () => this.alive,
    };
  }

  #performDemand(demand: string, effect: DemandEffect): void {
    switch (effect.type) {
      case "send": {
        const channel = this.#demandChannels.get(effect.link);
        if (channel === undefined) return;
        const bytes = toBinary(ToProviderSchema, effect.message);
        channel.session.send("dialler", channel.channel, bytes);
        return;
      }
      case "closeLink": {
        const channel = this.#demandChannels.get(effect.link);
        if (channel === undefined) return;
        this.#demandChannels.delete(effect.link);
        this.#demandLinks.delete(this.#key(channel.session, channel.channel));
        channel.session.closeChannel("dialler", channel.channel);
        return;
      }
      default:
        this.#surroundings.demandEffect(this, demand, effect);
    }
  }

  #performCapability(effect: CapabilityEffect): void {
    switch (effect.type) {
      case "want":
        this.#surroundings.want(this, effect.nodeIds);
        return;
      case "openLink": {
        const dialled = this.#dialled.get(effect.nodeId);
        if (dialled === undefined) {
          this.capability?.pump.handle({ type: "linkLost", link: effect.link });
          return;
        }
        const { session } = dialled;
        this.#lastChannel += 1;
        const channel: Channel = { session, side: "dialler", channel: this.#lastChannel };
        this.#poolChannels.set(effect.link, channel);
        this.#poolLinks.set(this.#key(session, channel.channel), effect.link);
        return;
      }
      case "send": {
        const channel = this.#poolChannels.get(effect.link);
        if (channel === undefined) return;
        const bytes = toBinary(ToDemandSchema, effect.message);
        channel.session.send("acceptor", channel.channel, bytes);
        return;
      }
      case "closeLink": {
        const channel = this.#poolChannels.get(effect.link);
        if (channel === undefined) return;
        this.#poolChannels.delete(effect.link);
        this.#poolLinks.delete(this.#key(channel.session, channel.channel));
        channel.session.closeChannel("acceptor", channel.channel);
        return;
      }
      default:
        this.#surroundings.capabilityEffect(this, effect);
    }
  }

  #sessionId(session: SimSession): number {
    let id = this.#sessionIds.get(session);
    if (id === undefined) {
      id = this.#sessionIds.size + 1;
      this.#sessionIds.set(session, id);
    }
    return id;
  }

  #key(session: SimSession, channel: number): string {
    return `${String(this.#sessionId(session))}/${String(channel)}`;
  }
}

/** A reply to a call, of either engine. */
export type SimReply = DemandReply | CapabilityReply;

function brief(kind: { readonly case?: string | undefined; readonly value?: unknown }): string {
  const text = JSON.stringify(kind.value, (key, value: unknown) => {
    if (key === "$typeName" || key === "request" || key === "ticket") return undefined;
    if (typeof value === "bigint") return Number(value);
    return value instanceof Uint8Array ? `${String(value.length)} bytes` : value;
  });
  return `${String(kind.case)} ${text ?? ""}`.slice(0, 160);
}
