import { describe, expect, test } from "vitest";
import { NodeCluster } from "../../../support/node-cluster.ts";

/** One node with the demand and a capability of one slot; it works on the first of two items. */
async function busy() {
  const cluster = new NodeCluster();
  const both = await cluster.start("both", {
    demands: [{ name: "echo" }],
    capabilities: [{ name: "echo", concurrency: 1 }],
  });
  const { capabilities, demands } = both.node;
  const first = await cluster.add(both, "echo");
  const second = await cluster.add(both, "echo");
  const opened = capabilities.openPresence("echo");
  if (!opened.ok) throw new Error(opened.refusal.detail);
  const presence = opened.value.id;
  const item = await cluster.pull(both, "echo", presence);
  expect(item.ticket).toBe(first);
  const pull = () => capabilities.pull("echo", { max: 1, waitMs: 30_000, presence });
  return { cluster, both, capabilities, demands, item, second, pull };
}

describe("the slot of a cancelled item", () => {
  test("is filled while the application works on it, and free with its release", async () => {
    const { cluster, capabilities, demands, item, second, pull } = await busy();
    await cluster.after(demands.cancel(item.ticket), 1_000);
    const pulled = pull();
    await cluster.time.elapse(1_000);
    expect(capabilities.capabilities()).toMatchObject([{ running: 1, slots: 1 }]);
    const release = { verb: "release", reason: "stopped" } as const;
    const settled = await cluster.after(capabilities.settle(item.lease, release), 100);
    expect(settled).toMatchObject({ ok: false, refusal: { code: "STALE_LEASE" } });
    expect(await cluster.after(pulled, 100)).toMatchObject({ value: [{ ticket: second }] });
  });

  test("is told of by a heartbeat, which does not free it", async () => {
    const { cluster, capabilities, demands, item } = await busy();
    await cluster.after(demands.cancel(item.ticket), 1_000);
    const beat = await cluster.after(capabilities.settle(item.lease, { verb: "heartbeat" }), 100);
    expect(beat).toMatchObject({ ok: true, value: { cancelled: true } });
    expect(capabilities.capabilities()).toMatchObject([{ running: 1 }]);
  });
});
