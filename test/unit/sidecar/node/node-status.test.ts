import { describe, expect, it } from "vitest";
import { MulticastReachability } from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type MulticastSetup,
  nodeStatus,
  type StatusFacts,
} from "../../../../sidecar/node/node-status.ts";
import { type ClusterNode, NodeCluster } from "../../../support/node-cluster.ts";

const echo = { name: "echo" };

function facts(over: Partial<StatusFacts> = {}): StatusFacts {
  return {
    peerAddress: { addresses: ["10.0.0.1"], port: 17_077 },
    multicast: { type: "off", reason: "not asked for" },
    draining: false,
    certificateNotAfterMs: 5,
    nowMs: 100_000,
    ...over,
  };
}

async function pair() {
  const cluster = new NodeCluster();
  const producer = await cluster.start("producer", { demands: [{ ...echo, maxProviders: 3 }] });
  const provider = await cluster.start("provider", { capabilities: [echo], peers: ["producer"] });
  return { cluster, producer, provider };
}

function multicastOf({ node }: ClusterNode, multicast: MulticastSetup): MulticastReachability {
  return nodeStatus(node, facts({ multicast })).multicast.reachability;
}

const on: MulticastSetup = { type: "on", sinceMs: 50_000, patienceMs: 15_000 };

describe("a look at a node", () => {
  it("finds its queues: counts, bytes, how full, who provides", async () => {
    const { cluster, producer, provider } = await pair();
    await cluster.add(producer, "echo", { request: new Uint8Array([0x10, 0x07]) });
    await cluster.pull(provider, "echo");
    await cluster.add(producer, "echo", { request: new Uint8Array([0x10, 0x07]) });
    const [demand] = nodeStatus(producer.node, facts()).demands;
    expect(demand).toMatchObject({
      name: "echo",
      counts: { ready: 1, leased: 1 },
      queuedBytes: 4,
      fillPermille: 0,
      connectedProviders: ["provider"],
    });
  });

  it("finds its capabilities: what runs, what may come, where it joined, how long it rests", async () => {
    const { cluster, producer, provider } = await pair();
    await cluster.add(producer, "echo");
    await cluster.pull(provider, "echo");
    const busy = nodeStatus(provider.node, facts()).capabilities[0];
    expect(busy).toMatchObject({ running: 1, slots: 1, joinedNodes: ["producer"], idleMs: 0 });
    provider.node.capabilities.quiesce(new Set(["echo"]));
    await cluster.time.elapse(100);
    expect(nodeStatus(provider.node, facts()).capabilities[0]).toMatchObject({ credit: 0 });
  });

  it("finds its sessions and their round trips", async () => {
    const { cluster, provider } = await pair();
    await cluster.time.elapse(10_000);
    const status = nodeStatus(provider.node, facts());
    expect(status.openSessions).toBe(1);
    expect(status.roundTrip.count).toBe(1);
    expect(status.roundTrip.p99Us).toBeGreaterThan(0);
  });

  it("passes on what the node does not know of itself", async () => {
    const { producer } = await pair();
    expect(nodeStatus(producer.node, facts({ draining: true }))).toMatchObject({
      peerAddress: { addresses: ["10.0.0.1"], port: 17_077 },
      draining: true,
      certificateNotAfterMs: 5,
    });
  });
});

describe("multicast", () => {
  it("is off with the reason that it was not started", async () => {
    const { producer } = await pair();
    const { multicast } = nodeStatus(producer.node, facts());
    expect(multicast).toEqual({
      reachability: MulticastReachability.OFF,
      message: "not asked for",
    });
  });

  it("is unknown while no other node is known", async () => {
    const cluster = new NodeCluster();
    const alone = await cluster.start("alone", {});
    expect(multicastOf(alone, on)).toBe(MulticastReachability.UNKNOWN);
  });

  it("is unknown until others had time to announce themselves, then unreachable", async () => {
    const { provider } = await pair();
    const young: MulticastSetup = { ...on, sinceMs: 90_000 };
    expect(multicastOf(provider, young)).toBe(MulticastReachability.UNKNOWN);
    expect(multicastOf(provider, on)).toBe(MulticastReachability.UNREACHABLE);
  });

  it("is reachable once a node is heard by it", async () => {
    const { provider } = await pair();
    const sighting = { nodeId: "other", endpoints: [], ttlMs: 60_000 };
    provider.node.tell({ type: "sighted", source: "multicast", sighting });
    expect(multicastOf(provider, on)).toBe(MulticastReachability.REACHABLE);
  });
});
