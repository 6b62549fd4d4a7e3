/**
 * Simulated nodes and what lies between them: who is announced, who dials whom, which processes run
 * beside each sidecar, and what dies and comes back. Everything from one seed.
 */
import type {
  Candidate,
  CapabilityEffect,
  CapabilityReply,
  DemandEffect,
} from "../../../sidecar/core/work/index.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { type NetworkWeather, SimSession } from "../network.ts";
import type { World } from "../world.ts";
import type { Watcher } from "./observed.ts";
import { ProducerApp } from "./producer-app.ts";
import { type NodeSpec, SimNode } from "./sim-node.ts";
import type { TurnHabits } from "./sim-pump.ts";
import { type CallBook, WorkerApp, type WorkerHabits, type WorkLog } from "./worker-app.ts";

/** A node that is started again and again. */
export interface Place {
  readonly nodeId: string;
  readonly spec: NodeSpec;
  readonly workers: readonly WorkerHabits[];
}

interface Living {
  readonly node: SimNode;
  readonly producers: Map<string, ProducerApp>;
  readonly workers: WorkerApp[];
  readonly replies: Map<number, OpenCall>;
  /** Calls whose caller went away: a reply that is on its way still comes. */
  readonly abandoned: Map<number, OpenCall["onReply"]>;
}

interface OpenCall {
  readonly onReply: (reply: CapabilityReply) => void;
  readonly sinceMs: number;
}

interface Announced {
  readonly candidate: Candidate;
  readonly untilMs: number;
}

const announcementTtlMs = 5_000;

/** All nodes of a run. */
export class Cluster {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #turns: TurnHabits;
  readonly #watchers: readonly Watcher[];
  readonly #log: WorkLog;
  readonly #living = new Map<string, Living>();
  readonly #incarnations = new Map<string, number>();
  readonly #announced = new Map<string, Announced>();
  readonly #sessions = new Set<SimSession>();
  /** Dials under way or wanted again, `from>to`. */
  readonly #dialling = new Set<string>();
  readonly #wanted = new Map<string, readonly string[]>();
  weather: NetworkWeather;
  #producing = { untilMs: 0, meanGapMs: 100 };

  constructor(components: {
    readonly world: World;
    readonly random: SeededRandom;
    readonly turns: TurnHabits;
    readonly watchers: readonly Watcher[];
    readonly log: WorkLog;
    readonly weather: NetworkWeather;
  }) {
    this.#world = components.world;
    this.#random = components.random;
    this.#turns = components.turns;
    this.#watchers = components.watchers;
    this.#log = components.log;
    this.weather = components.weather;
  }

  /** Producers of nodes that start from now on add items until then. */
  produce(untilMs: number, meanGapMs: number): void {
    this.#producing = { untilMs, meanGapMs };
  }

  /** Living nodes, in the order of their start. */
  nodes(): readonly SimNode[] {
    return [...this.#living.values()].map(({ node }) => node);
  }

  /** Calls of living producers, and calls of workers from before a moment, that got no answer. */
  openCalls(beforeMs: number): number {
    let open = 0;
    for (const { producers, replies } of this.#living.values()) {
      for (const producer of producers.values()) open += producer.openCalls;
      for (const { sinceMs } of replies.values()) if (sinceMs < beforeMs) open += 1;
    }
    return open;
  }

  start(place: Place): void {
    const incarnation = (this.#incarnations.get(place.nodeId) ?? 0) + 1;
    this.#incarnations.set(place.nodeId, incarnation);
    this.#world.note(() => `${place.nodeId} starts, incarnation ${String(incarnation)}`);
    const node = new SimNode({ nodeId: place.nodeId, incarnation }, place.spec, {
      world: this.#world,
      random: this.#random.fork(),
      turns: this.#turns,
      watchers: this.#watchers,
      surroundings: {
        want: (from, nodeIds) => {
          this.#want(from, nodeIds);
        },
        demandEffect: (from, demand, effect) => {
          this.#demandEffect(from, demand, effect);
        },
        capabilityEffect: (from, effect) => {
          this.#capabilityEffect(from, effect);
        },
      },
    });
    const living: Living = {
      node,
      producers: new Map(),
      workers: [],
      replies: new Map(),
      abandoned: new Map(),
    };
    this.#living.set(place.nodeId, living);
    for (const { name } of place.spec.demands) {
      const producer = new ProducerApp(node, name, {
        world: this.#world,
        random: this.#random.fork(),
      });
      living.producers.set(name, producer);
      producer.produce(this.#producing.untilMs, this.#producing.meanGapMs);
      this.#announce(node, name);
    }
    if (node.capability !== undefined) {
      this.#tellCandidates(node);
      for (const habits of place.workers) this.#startWorker(living, habits);
    }
  }

  /** Kills a sidecar with what it holds; its sessions break. */
  kill(nodeId: string): void {
    const living = this.#living.get(nodeId);
    if (living === undefined) return;
    this.#world.note(() => `${nodeId} dies`);
    this.#living.delete(nodeId);
    this.#wanted.delete(nodeId);
    living.node.kill();
    for (const worker of living.workers) worker.sidecarDied();
    for (const session of this.#sessions) {
      if (sessionNodes.get(session)?.includes(living.node) === true) this.#break(session);
    }
  }

  /** Stops a provider in good order: drain, the end of the grace, then the process is over. */
  drain(nodeId: string): void {
    const node = this.#living.get(nodeId)?.node;
    if (node === undefined) return;
    this.#world.note(() => `${nodeId} drains`);
    node.capability?.pump.handle({ type: "drain" });
    this.#world.after(this.#random.integer(100, 3_000), () => {
      if (!node.alive) return;
      node.capability?.pump.handle({ type: "close", reason: "the grace is over" });
      this.#world.after(100, () => {
        if (node.alive) this.kill(nodeId);
      });
    });
  }

  /** A demand grants nothing for a while. */
  pause(): void {
    const demands = this.nodes().flatMap((node) => [...node.demands.values()]);
    if (demands.length === 0) return;
    const { pump } = this.#random.pick(demands);
    pump.handle({ type: "pause" });
    this.#world.after(this.#random.integer(50, 3_000), () => {
      pump.handle({ type: "resume" });
    });
  }

  /** Kills one worker process. */
  crashWorker(): void {
    const workers = [...this.#living.values()].flatMap(({ workers }) =>
      workers.filter((worker) => worker.alive),
    );
    if (workers.length > 0) this.#random.pick(workers).crash();
  }

  /** Breaks one session. */
  breakSession(): void {
    const alive = [...this.#sessions].filter((session) => session.alive);
    if (alive.length > 0) this.#break(this.#random.pick(alive));
  }

  #break(session: SimSession): void {
    this.#world.note(() => {
      const [from, to] = sessionNodes.get(session) ?? [];
      return `the session of ${from?.self.nodeId ?? ""} to ${to?.self.nodeId ?? ""} breaks`;
    });
    session.break();
    this.#sessions.delete(session);
  }

  #startWorker(living: Living, habits: WorkerHabits): void {
    const { node } = living;
    if (!node.alive) return;
    const calls: CallBook = {
      open: (onReply) => {
        const call = (lastCalls.get(node) ?? 0) + 1;
        lastCalls.set(node, call);
        living.replies.set(call, { onReply, sinceMs: this.#world.nowMs });
        return call;
      },
      abandon: (call, onReply) => {
        living.replies.delete(call);
        living.abandoned.set(call, onReply);
      },
    };
    const worker: WorkerApp = new WorkerApp(node, habits, {
      name: `${node.self.nodeId}-${String(this.#random.integer(0, 2 ** 31))}`,
      world: this.#world,
      random: this.#random.fork(),
      calls,
      log: this.#log,
      onDeath: () => {
        const index = living.workers.indexOf(worker);
        if (index >= 0) living.workers.splice(index, 1);
        this.#world.after(this.#random.integer(50, 1_000), () => {
          this.#startWorker(living, habits);
        });
      },
    });
    living.workers.push(worker);
  }

  #demandEffect(node: SimNode, demand: string, effect: DemandEffect): void {
    if (effect.type === "reply") {
      const producer = this.#living.get(node.self.nodeId)?.producers.get(demand);
      producer?.reply(effect.call, effect.reply);
    } else if (effect.type === "providersChanged") {
      this.#note(node, demand);
    }
  }

  #capabilityEffect(node: SimNode, effect: CapabilityEffect): void {
    const living = this.#living.get(node.self.nodeId);
    if (living?.node !== node) return;
    if (effect.type === "reply") {
      const open = living.replies.get(effect.call)?.onReply;
      const onReply = open ?? living.abandoned.get(effect.call);
      living.replies.delete(effect.call);
      living.abandoned.delete(effect.call);
      onReply?.(effect.reply);
    } else if (effect.type === "leaseEnded") {
      for (const worker of living.workers) worker.leaseEnded(effect.lease);
    }
  }

  /** Tells of a demand now and again, until its node dies. */
  #announce(node: SimNode, demand: string): void {
    if (!node.alive) return;
    this.#note(node, demand);
    this.#world.after(this.#random.integer(500, 1_500), () => {
      this.#announce(node, demand);
    });
  }

  #note(node: SimNode, demand: string): void {
    const queue = node.demands.get(demand)?.observed.queue;
    if (queue === undefined) return;
    const candidate: Candidate = { ...node.self, demand, ...queue.providers() };
    const untilMs = this.#world.nowMs + announcementTtlMs;
    this.#announced.set(`${node.self.nodeId}/${demand}`, { candidate, untilMs });
  }

  #tellCandidates(node: SimNode): void {
    if (!node.alive) return;
    const { nowMs } = this.#world;
    const fresh = [...this.#announced.values()].filter(({ untilMs }) => untilMs > nowMs);
    const candidates = fresh.map(({ candidate }) => candidate);
    node.capability?.pump.handle({ type: "candidates", candidates });
    this.#world.after(this.#random.integer(200, 1_500), () => {
      this.#tellCandidates(node);
    });
  }

  #want(from: SimNode, nodeIds: readonly string[]): void {
    this.#wanted.set(from.self.nodeId, nodeIds);
    for (const nodeId of nodeIds) this.#dial(from, nodeId);
  }

  #dial(from: SimNode, nodeId: string): void {
    const key = `${from.self.nodeId}#${String(from.self.incarnation)}>${nodeId}`;
    if (this.#dialling.has(key)) return;
    this.#dialling.add(key);
    this.#world.after(this.#random.integer(1, 60), () => {
      this.#dialling.delete(key);
      if (!from.alive || this.#wanted.get(from.self.nodeId)?.includes(nodeId) !== true) return;
      if (!from.hasSessionWith(nodeId)) {
        const to = this.#living.get(nodeId)?.node;
        if (to === undefined) {
          from.capability?.pump.handle({ type: "dialFailed", nodeId });
        } else {
          this.#connect(from, to);
        }
      }
      // The dialler goes on while the node is wanted: also when the session is lost later.
      this.#world.after(this.#random.integer(100, 600), () => {
        this.#dial(from, nodeId);
      });
    });
  }

  #connect(from: SimNode, to: SimNode): void {
    const session: SimSession = new SimSession(
      {
        dialler: from.diallerEnd(to.self, () => session),
        acceptor: to.acceptorEnd(from.self, () => session),
      },
      { world: this.#world, random: this.#random.fork(), weather: () => this.weather },
    );
    sessionNodes.set(session, [from, to]);
    this.#sessions.add(session);
    from.dialled(session, to.self);
  }
}

/** The ends of each session. */
const sessionNodes = new WeakMap<SimSession, readonly [SimNode, SimNode]>();

/** Numbers of calls, by node. */
const lastCalls = new WeakMap<SimNode, number>();
