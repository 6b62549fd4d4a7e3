/** A few nodes on one harness, with what their sessions told them written down. */
import { silentLogger } from "../../../sidecar/runtime/index.ts";
import {
  type Carrier,
  CarrierTransport,
  type DialTarget,
  type Lane,
  type PeerSession,
  type SessionEnd,
  type TransportOptions,
} from "../../../sidecar/transport/index.ts";
import type { HarnessNode, TransportHarness } from "./harness.ts";

/** A node that listens. */
export interface TestNode {
  readonly nodeId: string;
  readonly transport: CarrierTransport;
  /** Sessions that others dialled, oldest first. */
  readonly accepted: PeerSession[];
  /** Ends of all sessions, accepted and dialled through `Cluster.dial`. */
  readonly ends: SessionEnd[];
  readonly address: { readonly host: string; readonly port: number };
}

/** Differences of a node from the usual one. */
export type NodeOptions = Partial<Omit<TransportOptions, "local">> & {
  readonly clusterId?: string;
  readonly namespace?: string;
  readonly incarnation?: number;
  /** What it says in HELLO, where that differs from its certificate. */
  readonly claims?: Partial<HarnessNode>;
};

/** See the head of the file. */
export class Cluster {
  readonly harness: TransportHarness;
  readonly nodes: TestNode[] = [];

  constructor(harness: TransportHarness) {
    this.harness = harness;
  }

  async node(nodeId: string, options: NodeOptions = {}): Promise<TestNode> {
    const { clusterId = "test", namespace = "default", incarnation = 1, claims, ...rest } = options;
    const { clock, timers, turns, listenHost } = this.harness;
    const name = { clusterId, namespace, nodeId };
    const factory = await this.harness.factoryOf(name);
    const transport = new CarrierTransport(
      { factory, clock, timers, turns, logger: silentLogger },
      { ...rest, local: { ...name, incarnation, ...claims } },
    );
    const accepted: PeerSession[] = [];
    const ends: SessionEnd[] = [];
    transport.onSession((session) => {
      accepted.push(session);
      session.onClosed((end) => ends.push(end));
    });
    const address = await transport.listen({ host: listenHost, port: 0 });
    const node = { nodeId, transport, accepted, ends, address };
    this.nodes.push(node);
    return node;
  }

  /** Dials and waits for the session. */
  async dial(from: TestNode, to: TestNode, nodeId = to.nodeId): Promise<PeerSession> {
    const target = await this.target(from, to, nodeId);
    const session = await this.settle(from.transport.dial(target));
    session.onClosed((end) => from.ends.push(end));
    return session;
  }

  async target(from: TestNode, to: TestNode, nodeId = to.nodeId): Promise<DialTarget> {
    return this.harness.route(from.nodeId, { nodeId, ...to.address });
  }

  /** Lets time pass until a promise is settled. */
  async settle<T>(promise: Promise<T>, withinMs = 8_000): Promise<T> {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    await this.harness.until(() => done, withinMs, "the promise is settled");
    return promise;
  }

  /** @returns the code of the rejection. */
  async refusal(promise: Promise<unknown>): Promise<string> {
    try {
      await this.settle(promise);
    } catch (error) {
      const typed = error instanceof Error && "code" in error;
      return typed ? String(error.code) : `not typed: ${String(error)}`;
    }
    return "no refusal";
  }

  /** Two nodes with an open session, and one data lane that both sides have. */
  async pair(options: NodeOptions = {}): Promise<Pair> {
    const a = await this.node("a", options);
    const b = await this.node("b", options);
    const dialled = await this.dial(a, b);
    await this.harness.until(() => b.accepted.length === 1, 5_000, "b accepts");
    return this.lanes(a, b, dialled);
  }

  /** Opens a lane on a session of a to b. */
  async lanes(a: TestNode, b: TestNode, dialled: PeerSession): Promise<Pair> {
    const accepted = b.accepted.at(-1);
    if (accepted === undefined) throw new Error("b has accepted nothing");
    const arrived: Lane[] = [];
    accepted.onLane((lane) => arrived.push(lane));
    const lane = dialled.openLane();
    // A stream may show only once something was written on it.
    lane.send(0, new Uint8Array(0));
    await this.harness.until(() => arrived.length === 1, 5_000, "the lane arrives");
    const [other] = arrived;
    if (other === undefined) throw new Error("no lane");
    return { a, b, dialled, accepted, near: lane, far: other };
  }

  /** A bare carrier to a node, for what no PeerSession would send. */
  async stranger(to: TestNode, nodeId = "z"): Promise<Carrier> {
    const factory = await this.harness.factoryOf({
      clusterId: "test",
      namespace: "default",
      nodeId,
    });
    const target = await this.harness.route(nodeId, { nodeId: to.nodeId, ...to.address });
    return this.settle(factory.dial(target, new AbortController().signal));
  }

  async close(): Promise<void> {
    await this.settle(Promise.all(this.nodes.map((node) => node.transport.close("test over"))));
    await this.harness.close();
  }
}

/** Two nodes, their session and a lane of it. */
export interface Pair {
  readonly a: TestNode;
  readonly b: TestNode;
  /** The session as a has it; a dialled. */
  readonly dialled: PeerSession;
  readonly accepted: PeerSession;
  /** The lane at a. */
  readonly near: Lane;
  /** The lane at b. */
  readonly far: Lane;
}

/** What a lane received: channel and bytes, copied. */
export function record(lane: Lane): { channel: number; message: Uint8Array }[] {
  const messages: { channel: number; message: Uint8Array }[] = [];
  lane.onMessage((channel, message) => {
    messages.push({ channel, message: message.slice() });
  });
  return messages;
}

/** Bytes that can be told apart from any others: a pattern that starts at `seed`. */
export function patterned(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = (seed + i * 7 + (i >>> 8)) & 0xff;
  return bytes;
}
