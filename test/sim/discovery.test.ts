/**
 * Announcers on a simulated network: packets are lost, doubled, delayed and reordered, nodes crash
 * and start again, the network parts and heals. Everything follows from the seed.
 */
import { describe, expect, test } from "vitest";
import type { Announcement } from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import {
  Announcer,
  type AnnouncerEffect,
  type AnnouncerInput,
  NeighbourList,
} from "../../sidecar/core/discovery/index.ts";
import {
  announcementKey,
  openAnnouncement,
  signAnnouncement,
} from "../../sidecar/wire/announcement.ts";
import { announcedNode, demand } from "../support/announcements.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const key = announcementKey(new Uint8Array(32), "c", "ns");
const periodMs = 5_000;
const ttlMs = 5 * periodMs;

/** How bad the network is. */
interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelayMs: number;
}

const calm: Weather = { loss: 0, duplication: 0, maxDelayMs: 2 };
const rough: Weather = { loss: 0.2, duplication: 0.2, maxDelayMs: 400 };

interface SimNode {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly announcer: Announcer;
  readonly list: NeighbourList;
  /** What a wall clock of this node shows at simulated time 0. */
  readonly epochMs: number;
  alive: boolean;
  /** Side of the network it is on. */
  side: number;
  packetsSent: number;
}

interface Flight {
  readonly to: SimNode;
  readonly bytes: Uint8Array;
}

/** A network and its nodes; one event at a time, in the order of time. */
class Network {
  readonly random: SeededRandom;
  readonly nodes = new Map<string, SimNode>();
  weather: Weather;
  nowMs = 0;
  /** By the whole ms of arrival: a start of 60 nodes has 50,000 packets under way. */
  readonly #flights = new Map<number, Flight[]>();

  constructor(seed: number, weather: Weather) {
    this.random = new SeededRandom(seed);
    this.weather = weather;
  }

  boot(nodeId: string, incarnation = 1, demands = 3): SimNode {
    const node: SimNode = {
      nodeId,
      incarnation,
      announcer: new Announcer(
        { ...announcedNode({ nodeId, incarnation }), periodMs },
        this.random.fork(),
      ),
      list: new NeighbourList(nodeId),
      // Clocks differ by up to 20 s either way, within the replay window.
      epochMs: 1e12 + this.random.integer(-20_000, 20_000),
      alive: true,
      side: 0,
      packetsSent: 0,
    };
    this.nodes.set(nodeId, node);
    const held = Array.from({ length: demands }, (_, i) => demand(`${nodeId}-demand-${i}`));
    this.#tell(node, { type: "demandsChanged", demands: held });
    this.#tell(node, { type: "start" });
    return node;
  }

  /** The process is gone from one moment to the next. */
  crash(nodeId: string): void {
    const node = this.nodes.get(nodeId);
    if (node !== undefined) node.alive = false;
  }

  stop(nodeId: string): void {
    const node = this.nodes.get(nodeId);
    if (node === undefined) return;
    this.#tell(node, { type: "stop" });
    node.alive = false;
  }

  living(): SimNode[] {
    return [...this.nodes.values()].filter((node) => node.alive);
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const nextMs = this.#nextMs();
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#step();
    }
    this.nowMs = endMs;
  }

  #nextMs(): number {
    const timers = this.living().flatMap(({ announcer, list }) => [
      announcer.nextDeadlineMs(),
      list.nextDeadlineMs(),
    ]);
    return Math.min(Infinity, ...timers, ...this.#flights.keys());
  }

  #step(): void {
    const due = this.#flights.get(this.nowMs) ?? [];
    this.#flights.delete(this.nowMs);
    for (const { to, bytes } of due) if (to.alive) this.#deliver(to, bytes);
    for (const node of this.living()) {
      node.list.advance(this.nowMs);
      this.#perform(node, node.announcer.advance(this.nowMs));
    }
  }

  #deliver(to: SimNode, bytes: Uint8Array): void {
    const opened = openAnnouncement(bytes, key);
    if (!opened.ok) throw new Error(`refused: ${opened.reason}`);
    const receivedAtEpochMs = to.epochMs + this.nowMs;
    const { announcement } = opened;
    const fromAddress = "10.0.0.1";
    this.#tell(to, { type: "received", announcement, fromAddress, receivedAtEpochMs });
  }

  #tell(node: SimNode, input: AnnouncerInput): void {
    this.#perform(node, node.announcer.handle(input, this.nowMs));
  }

  #perform(node: SimNode, effects: AnnouncerEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "send") this.#multicast(node, effect.announcement);
      else if (effect.type === "heard") {
        const { sighting } = effect;
        node.list.handle({ type: "sighted", source: "multicast", sighting }, this.nowMs);
      } else if (effect.type === "left") {
        node.list.handle({ ...effect, source: "multicast" }, this.nowMs);
      }
    }
  }

  /** To everybody on the same side, the sender included: loopback is on. */
  #multicast(from: SimNode, announcement: Announcement): void {
    from.packetsSent += 1;
    const sentAtMs = BigInt(from.epochMs + Math.floor(this.nowMs));
    const bytes = signAnnouncement({ ...announcement, sentAtMs }, key);
    const { loss, duplication, maxDelayMs } = this.weather;
    for (const to of this.nodes.values()) {
      if (!to.alive || to.side !== from.side) continue;
      const copies = this.random.chance(loss) ? 0 : this.random.chance(duplication) ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        const atMs = Math.ceil(this.nowMs + this.random.next() * maxDelayMs);
        const arriving = this.#flights.get(atMs);
        if (arriving === undefined) this.#flights.set(atMs, [{ to, bytes }]);
        else arriving.push({ to, bytes });
      }
    }
  }
}

/** Every living node knows exactly the living nodes of its side, as they are now. */
function expectAllKnown(network: Network): void {
  for (const node of network.living()) {
    const others = network
      .living()
      .filter((other) => other !== node && other.side === node.side)
      .map(({ nodeId, incarnation }) => ({ nodeId, incarnation, demands: 3 }));
    const known = node.list
      .neighbours()
      .map((n) => ({ nodeId: n.nodeId, incarnation: n.incarnation, demands: n.demands?.length }));
    expect(known, `what ${node.nodeId} knows`).toEqual(
      others.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
    );
  }
}

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

describe.each(seeds)("seed %i", (seed) => {
  test("on a calm network everybody knows everybody within 50 ms of the last start", () => {
    const network = new Network(seed, calm);
    for (let i = 0; i < 8; i++) {
      network.boot(`n${i}`);
      network.run(network.random.integer(0, 3_000));
    }
    network.run(200);
    expectAllKnown(network);
    network.boot("late");
    network.run(50);
    expectAllKnown(network);
  });

  test("through loss, crashes, restarts and a partition the lists come right again", () => {
    const network = new Network(seed, rough);
    for (let i = 0; i < 8; i++) network.boot(`n${i}`);
    for (let round = 0; round < 12; round++) {
      network.run(network.random.integer(100, 8_000));
      const victim = network.random.pick([...network.nodes.values()]);
      const event = network.random.integer(0, 3);
      if (event === 0) network.crash(victim.nodeId);
      else if (event === 1) network.stop(victim.nodeId);
      else if (event === 2) {
        network.crash(victim.nodeId);
        network.boot(victim.nodeId, victim.incarnation + 1);
      } else {
        for (const node of network.nodes.values()) node.side = network.random.integer(0, 1);
      }
    }
    network.weather = { ...rough, loss: 0.05 };
    for (const node of network.nodes.values()) node.side = 0;
    network.run(2 * ttlMs);
    expectAllKnown(network);
  });

  test("with 2 % of all packets lost no living node expires in ten minutes", () => {
    const network = new Network(seed, { ...rough, loss: 0.02 });
    for (let i = 0; i < 4; i++) network.boot(`n${i}`);
    network.run(10_000);
    for (let i = 0; i < 600; i++) {
      network.run(1_000);
      for (const node of network.living()) expect(node.list.neighbours()).toHaveLength(3);
    }
  });

  test("a crashed node is gone after its ttl, a stopped one at once", () => {
    const network = new Network(seed, calm);
    for (const nodeId of ["a", "b", "c"]) network.boot(nodeId);
    network.run(10_000);
    network.stop("b");
    network.run(10);
    expectAllKnown(network);
    network.crash("c");
    network.run(ttlMs + 10);
    expectAllKnown(network);
  });
});

test("60 nodes that start at once do not answer each other into a storm", () => {
  const network = new Network(1, { loss: 0, duplication: 0, maxDelayMs: 5 });
  const nodes = Array.from({ length: 60 }, (_, i) => network.boot(`n${i}`));
  network.run(2_000);
  expectAllKnown(network);
  // A bucket of 5, 5 a second, the start and its repetition.
  for (const node of nodes) expect(node.packetsSent).toBeLessThanOrEqual(2 + 5 + 10);
});

describe("the checker can fail", () => {
  test("when goodbyes are lost, a stopped node is still listed", () => {
    const network = new Network(1, calm);
    for (const nodeId of ["a", "b"]) network.boot(nodeId);
    network.run(1_000);
    network.weather = { ...calm, loss: 1 };
    network.stop("b");
    network.run(10);
    expect(() => {
      expectAllKnown(network);
    }).toThrow("what a knows");
  });
});
