import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DemandSummarySchema } from "../../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { routeHash } from "../../../../sidecar/wire/announcement.ts";
import { type ClusterNode, NodeCluster } from "../../../support/node-cluster.ts";

const demand = { name: "echo" };
const capability = { name: "echo" };
const address = { nodeId: "producer", endpoints: [{ host: "producer", port: 17_077 }] };
const summary = create(DemandSummarySchema, {
  routeHash: routeHash("test", "echo.v1.Ask", "echo.v1.Answer"),
  name: "echo",
  desiredProviders: 1,
  maxProviders: 10,
});

async function pair() {
  const cluster = new NodeCluster();
  const producer = await cluster.start("producer", { demands: [demand] });
  const provider = await cluster.start("provider", {
    capabilities: [capability],
    peers: ["producer"],
  });
  return { cluster, producer, provider };
}

function providersOf({ node }: ClusterNode): string[] {
  return node.demands.demands().flatMap(({ providers }) => providers.map(({ id }) => id));
}

function sourcesOf({ node }: ClusterNode): (readonly string[])[] {
  return node.neighbourhood.neighbours().map(({ sources }) => sources);
}

const result = new Uint8Array([0x10, 0x05]);

describe("a node", () => {
  it("brings an item to a peer that a static entry names, and its result back", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo", { request: new Uint8Array([0x10, 0x07]) });
    const item = await cluster.pull(provider, "echo");
    expect(item.ticket).toBe(ticket);
    expect([...item.request]).toEqual([0x10, 0x07]);
    const settled = await cluster.after(
      provider.node.capabilities.settle(item.lease, { verb: "complete", result }),
      1_000,
    );
    expect(settled).toEqual({ ok: true, value: { state: "done", cancelled: false } });
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.outcome).toEqual({ run: 1, kind: "result", result });
    expect(view.ok && view.value.provider).toBe("provider");
  });

  it("brings an item to a peer that only the operator names, its demands told or not", async () => {
    const demands = [summary];
    for (const told of [{}, { demands, incarnation: 1 }]) {
      const cluster = new NodeCluster();
      const producer = await cluster.start("producer", { demands: [demand] });
      const provider = await cluster.start("provider", { capabilities: [capability] });
      provider.node.configureControlPeers([{ ...address, ...told }]);
      const ticket = await cluster.add(producer, "echo");
      const item = await cluster.pull(provider, "echo");
      expect(item.ticket).toBe(ticket);
      expect(sourcesOf(provider)[0]).toContain("control");
    }
  });

  it("does not dial a peer of the operator whose demands it cannot serve", async () => {
    const cluster = new NodeCluster();
    await cluster.start("producer", { demands: [demand] });
    const provider = await cluster.start("provider", { capabilities: [capability] });
    const other = create(DemandSummarySchema, { ...summary, routeHash: 1n });
    provider.node.configureControlPeers([{ ...address, demands: [other], incarnation: 1 }]);
    await cluster.time.elapse(5_000);
    expect(provider.node.neighbourhood.sessions()).toEqual([]);
  });

  it("keeps a peer that one source forgets while another names it", async () => {
    const { cluster, provider } = await pair();
    provider.node.configureControlPeers([address]);
    await cluster.time.elapse(100);
    expect(sourcesOf(provider)).toEqual([["session", "control", "static"]]);
    provider.configure({ capabilities: [capability], peers: [] });
    expect(sourcesOf(provider)).toEqual([["session", "control"]]);
    provider.node.configureControlPeers([]);
    expect(sourcesOf(provider)).toEqual([["session"]]);
  });

  it("works for itself when it holds both the demand and the capability", async () => {
    const cluster = new NodeCluster();
    const both = await cluster.start("both", { demands: [demand], capabilities: [capability] });
    const ticket = await cluster.add(both, "echo");
    const item = await cluster.pull(both, "echo");
    expect(item.ticket).toBe(ticket);
    await cluster.after(
      both.node.capabilities.settle(item.lease, { verb: "complete", result }),
      1_000,
    );
    const view = both.node.demands.item(ticket);
    expect(view.ok && view.value.state).toBe("done");
  });

  it.each([0, 10])("tells whoever waits of an outcome of which %i are kept", async (kept) => {
    const cluster = new NodeCluster();
    const producer = await cluster.start("producer", { demands: [{ ...demand, kept }] });
    const provider = await cluster.start("provider", {
      capabilities: [{ ...capability, concurrency: 100 }],
      peers: ["producer"],
      // All results in one chunk, taken by the queue in turns of 32.
      maxInputsOfTurn: 1_024,
    });
    const count = 100;
    const tickets: string[] = [];
    while (tickets.length < count) tickets.push(await cluster.add(producer, "echo"));
    const waits = tickets.map((ticket) => producer.node.demands.waitForItem(ticket, 60_000));
    const leases: string[] = [];
    while (leases.length < count) leases.push((await cluster.pull(provider, "echo")).lease);
    const verb = { verb: "complete", result } as const;
    const settled = leases.map((lease) => provider.node.capabilities.settle(lease, verb));
    await cluster.after(Promise.all(settled), 1_000);
    for (const view of await Promise.all(waits)) {
      expect(view).toMatchObject({ ok: true, value: { state: "done" } });
    }
  });

  it("keeps a lease over a lost connection of the same start", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const presence = provider.node.capabilities.openPresence("echo");
    if (!presence.ok) throw new Error("no presence");
    const item = await cluster.pull(provider, "echo", presence.value.id);
    cluster.network.cut("producer", "provider");
    await cluster.time.elapse(2_000);
    expect(providersOf(producer)).toEqual(["provider"]);
    const settled = await cluster.after(
      provider.node.capabilities.settle(item.lease, { verb: "complete", result }),
      5_000,
    );
    expect(settled.ok).toBe(true);
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.attempts).toEqual({ acquired: 1, failed: 0 });
  });

  it("gives an item to another start of the provider at once, and counts the attempt", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    await cluster.pull(provider, "echo");
    // Until STARTED has arrived the item counts as never started.
    await cluster.time.elapse(5);
    await provider.kill();
    const again = await cluster.start("provider", {
      capabilities: [capability],
      peers: ["producer"],
    });
    // Far less than the lease of 15 s: the newer incarnation ends the older one's leases.
    const item = await cluster.pull(again, "echo");
    expect(item.ticket).toBe(ticket);
    expect(item.attempt).toBe(2);
  });

  it("takes added and removed demands over while it runs", async () => {
    const { cluster, producer, provider } = await pair();
    producer.configure({ demands: [demand, { name: "second" }] });
    const ticket = await cluster.add(producer, "second");
    expect((await cluster.pull(provider, "echo")).ticket).toBe(ticket);
    const waiting = await cluster.add(producer, "echo");
    producer.configure({ demands: [{ name: "second" }] });
    expect(producer.node.demands.demand("echo").ok).toBe(false);
    const lost = producer.node.demands.item(waiting);
    expect(!lost.ok && lost.refusal.code).toBe("OUTCOME_DROPPED");
  });

  it("leaves running work alone when a configuration is applied again", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const item = await cluster.pull(provider, "echo");
    const spec = { capabilities: [capability], peers: ["producer"] };
    provider.configure(spec);
    producer.configure({ demands: [demand] });
    provider.configure({ ...spec, capabilities: [{ name: "echo", concurrency: 3 }] });
    await cluster.time.elapse(500);
    const settled = await cluster.after(
      provider.node.capabilities.settle(item.lease, { verb: "complete", result }),
      2_000,
    );
    expect(settled.ok).toBe(true);
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.attempts).toEqual({ acquired: 1, failed: 0 });
  });

  it("judges results by the contract in force", async () => {
    const { cluster, producer, provider } = await pair();
    const changed = { request: "echo.v1.Ask", response: "echo.v1.Ask" };
    producer.configure({ demands: [{ ...demand, ...changed }] });
    provider.configure({ capabilities: [{ ...capability, ...changed }], peers: ["producer"] });
    const ticket = await cluster.add(producer, "echo");
    const item = await cluster.pull(provider, "echo");
    await cluster.after(
      provider.node.capabilities.settle(item.lease, { verb: "complete", result }),
      2_000,
    );
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.state).toBe("done");
  });

  it("takes a configuration whole or not at all", async () => {
    const { cluster, producer } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const bad = { name: "bad", maxProviders: 100_000 };
    expect(() => producer.configure({ demands: [{ name: "other" }, bad] })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
    expect(producer.node.demands.item(ticket).ok).toBe(true);
    expect(producer.node.demands.demand("other").ok).toBe(false);
  });

  it("dials again when a session ends in the turn in which it opened", async () => {
    const { cluster, producer, provider } = await pair();
    await cluster.time.elapse(500);
    for (let round = 0; round < 20; round += 1) {
      cluster.network.cut("producer", "provider");
      await cluster.time.elapse(round * 7);
    }
    await cluster.time.elapse(15_000);
    expect(providersOf(producer)).toEqual(["provider"]);
    expect(provider.node.neighbourhood.views()[0]?.connected).toBe(true);
  });

  it("tells of the end of a cancelled lease", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const item = await cluster.pull(provider, "echo");
    const reasons: string[] = [];
    provider.node.capabilities.onLeaseEnded(item.lease, (reason) => reasons.push(reason));
    const cancelled = await cluster.after(producer.node.demands.cancel(ticket), 1_000);
    expect(cancelled.ok && cancelled.value.state).toBe("cancelled");
    await cluster.time.elapse(50);
    expect(reasons).toHaveLength(1);
    const late: string[] = [];
    provider.node.capabilities.onLeaseEnded(item.lease, (reason) => late.push(reason));
    expect(late).toEqual(reasons);
  });

  it("drains: refuses what is new, finishes what is held", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const item = await cluster.pull(provider, "echo");
    const drained = Promise.all([producer.node.drain(), provider.node.drain()]);
    const refused = await producer.node.demands.add("echo", new Uint8Array(), {});
    expect(!refused.ok && refused.refusal.code).toBe("DRAINING");
    await cluster.after(
      provider.node.capabilities.settle(item.lease, { verb: "complete", result }),
      1_000,
    );
    await cluster.after(drained, 1_000);
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.state).toBe("done");
  });

  it("refuses a result that is no response message", async () => {
    const { cluster, producer, provider } = await pair();
    const ticket = await cluster.add(producer, "echo");
    const item = await cluster.pull(provider, "echo");
    const settled = await cluster.after(
      provider.node.capabilities.settle(item.lease, {
        verb: "complete",
        result: new Uint8Array([0xff, 0xff]),
      }),
      1_000,
    );
    expect(!settled.ok && settled.refusal.code).toBe("INVALID_PAYLOAD");
    const view = producer.node.demands.item(ticket);
    expect(view.ok && view.value.state).not.toBe("done");
  });

  it("leaves no timer behind when it ends", async () => {
    const { cluster, producer, provider } = await pair();
    await cluster.time.elapse(1_000);
    expect(cluster.time.timerCount).toBeGreaterThan(0);
    for (const { node } of [provider, producer]) node.close("the test ends");
    await provider.kill();
    await producer.kill();
    await cluster.time.elapse(10_000);
    expect(cluster.time.timerCount).toBe(0);
  });
});
