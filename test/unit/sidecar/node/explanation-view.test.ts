/**
 * Every sentence of design/work.md, `explain`, from the situation that it tells of: whole nodes on
 * the in-process network.
 */
import { describe, expect, it } from "vitest";
import type { ExplanationView } from "../../../../sidecar/api/ports.ts";
import { explanationViewOf } from "../../../../sidecar/node/explanation-view.ts";
import { type ClusterNode, NodeCluster } from "../../../support/node-cluster.ts";

const demand = { name: "echo" };
const capability = { name: "echo" };
const peers = ["producer"];

async function producing(over: { readonly paused?: boolean } = {}) {
  const cluster = new NodeCluster();
  const producer = await cluster.start("producer", { demands: [{ ...demand, ...over }] });
  return { cluster, producer };
}

function explain({ node }: ClusterNode, ticket: string): ExplanationView {
  const explained = node.demands.explain(ticket);
  if (!explained.ok) throw new Error(explained.refusal.detail);
  return explained.value;
}

function sentences(node: ClusterNode, ticket: string): string[] {
  return explain(node, ticket).reasons.map(({ message }) => message);
}

describe("explain", () => {
  it("says delayed until when, with the date as a fact", async () => {
    const { cluster, producer } = await producing();
    const ticket = await cluster.add(producer, "echo", { delayMs: 60_000 });
    await cluster.time.elapse(10_000);
    const until = new Date(cluster.nowEpochMs() + 50_000).toISOString();
    expect(explain(producer, ticket)).toEqual({
      state: "delayed",
      reasons: [
        { code: "DELAYED", message: `delayed until ${until}`, facts: { until, failed: 0 } },
      ],
    });
  });

  it("says delayed after failed attempts", async () => {
    const { cluster, producer } = await producing();
    const provider = await cluster.start("provider", { capabilities: [capability], peers });
    const ticket = await cluster.add(producer, "echo");
    const { lease } = await cluster.pull(provider, "echo");
    const error = { code: "BAD", message: "no", retryable: true, details: "" };
    const failing = provider.node.capabilities.settle(lease, {
      verb: "fail",
      error,
      delayMs: 60_000,
    });
    await cluster.after(failing, 1_000);
    expect(sentences(producer, ticket)).toEqual([
      expect.stringMatching(/^delayed until 20\S+Z after 1 failed attempt$/),
    ]);
  });

  it("says no provider connected", async () => {
    const { cluster, producer } = await producing();
    const ticket = await cluster.add(producer, "echo");
    expect(sentences(producer, ticket)).toEqual(["no provider connected"]);
  });

  it("says that providers have no credit, with what they hold", async () => {
    const { cluster, producer } = await producing();
    const provider = await cluster.start("provider", {
      capabilities: [{ ...capability, concurrency: 1 }],
      peers,
    });
    const [held, ticket] = [
      await cluster.add(producer, "echo"),
      await cluster.add(producer, "echo"),
    ];
    await cluster.pull(provider, "echo");
    await cluster.time.elapse(100);
    expect(sentences(producer, ticket)).toEqual([
      "providers have no credit: 1 connected with 1 slot, holding 1 item of this demand",
    ]);
    expect(sentences(producer, held)).toEqual(["provider provider is working on it"]);
  });

  it("says application not listening on its port, until it does", async () => {
    const { cluster, producer } = await producing();
    const provider = await cluster.start("provider", { capabilities: [capability], peers });
    const detail = "application not listening on port 8080";
    // As push delivery tells it, also before the first link.
    const obstacle = { kind: "notListening", port: 8_080, detail } as const;
    provider.node.capabilities.tellObstacle("echo", obstacle);
    const ticket = await cluster.add(producer, "echo");
    await cluster.time.elapse(1_000);
    expect(sentences(producer, ticket)).toEqual([`${detail} at provider provider`]);
    const notReady = { kind: "notReady", port: 8_080, detail: "/ready answers 503" } as const;
    provider.node.capabilities.tellObstacle("echo", notReady);
    await cluster.time.elapse(10);
    expect(sentences(producer, ticket)).toEqual([
      "application not ready at provider provider: /ready answers 503",
    ]);
    const view = provider.node.capabilities.capability("echo");
    expect(view.ok && view.value.notDelivering).toBe("/ready answers 503");
    provider.node.capabilities.tellObstacle("echo", undefined);
    await cluster.time.elapse(10);
    expect(sentences(producer, ticket)).toEqual([
      expect.stringMatching(/^providers have no credit/),
    ]);
  });

  it("says type mismatch with the peer, naming both contracts", async () => {
    const { cluster, producer } = await producing();
    await cluster.start("provider", {
      capabilities: [{ ...capability, version: 2 }],
      peers,
    });
    const ticket = await cluster.add(producer, "echo");
    await cluster.time.elapse(5_000);
    expect(explain(producer, ticket).reasons).toEqual([
      expect.objectContaining({ code: "NO_PROVIDER" }),
      {
        code: "TYPE_MISMATCH",
        message: expect.stringMatching(
          /^type mismatch with provider: the demand's contract is .*, the capability's is /,
        ),
        facts: expect.objectContaining({ peer: "provider", capability: "echo" }),
      },
    ]);
  });

  it("says demand paused", async () => {
    const { cluster, producer } = await producing({ paused: true });
    const ticket = await cluster.add(producer, "echo");
    expect(sentences(producer, ticket)).toEqual(["demand paused", "no provider connected"]);
  });

  it("says draining", async () => {
    const { cluster, producer } = await producing();
    const ticket = await cluster.add(producer, "echo");
    void producer.node.drain();
    expect(sentences(producer, ticket)).toEqual([
      "draining: no new provider is let in",
      "no provider connected",
    ]);
  });

  it("says which item blocks the ordering key", async () => {
    const { cluster, producer } = await producing();
    const first = await cluster.add(producer, "echo", { orderingKey: "customer-7" });
    const second = await cluster.add(producer, "echo", { orderingKey: "customer-7" });
    expect(sentences(producer, second)).toEqual([
      `ordering key blocked by ${first}, which is ready`,
    ]);
  });

  it("says how long a lost provider keeps the item, and how an item ended", async () => {
    const { cluster, producer } = await producing();
    const provider = await cluster.start("provider", { capabilities: [capability], peers });
    const ticket = await cluster.add(producer, "echo");
    await cluster.pull(provider, "echo");
    await provider.kill();
    await cluster.time.elapse(4_000);
    expect(sentences(producer, ticket)).toEqual([
      expect.stringMatching(
        /^provider provider has it and is not connected; its lease lasts until 20\S+Z$/,
      ),
    ]);
    await cluster.after(producer.node.demands.cancel(ticket), 1_000);
    expect(sentences(producer, ticket)).toEqual([
      expect.stringMatching(/^ended as cancelled: CANCELLED: ./),
    ]);
  });

  it("refuses a ticket of another node, as looking at it does", async () => {
    const { cluster, producer } = await producing();
    const other = await cluster.start("other", { demands: [demand] });
    const ticket = await cluster.add(other, "echo");
    expect(producer.node.demands.explain(ticket)).toMatchObject({
      refusal: { code: "TICKET_ELSEWHERE", value: "other" },
    });
    expect(producer.node.demands.explain("nonsense")).toMatchObject({
      refusal: { code: "UNKNOWN_TICKET" },
    });
  });
});

it("tells an item that its provider has not begun", () => {
  const reasons = [{ code: "LEASED", provider: "worker-0", started: false }] as const;
  expect(explanationViewOf({ state: "leased", reasons }, 0).reasons).toEqual([
    {
      code: "LEASED",
      message: "provider worker-0 is about to start it",
      facts: { provider: "worker-0", started: false },
    },
  ]);
});

describe("an item that is over", () => {
  it("is told with what the application said of it and the number of attempts", async () => {
    const { cluster, producer } = await producing();
    const provider = await cluster.start("provider", { capabilities: [capability], peers });
    const ticket = await cluster.add(producer, "echo");
    const { lease } = await cluster.pull(provider, "echo");
    const error = { code: "NOT_AN_IMAGE", message: "no picture", retryable: false, details: "" };
    const rejecting = provider.node.capabilities.settle(lease, { verb: "reject", error });
    await cluster.after(rejecting, 1_000);
    expect(explain(producer, ticket).reasons).toEqual([
      {
        code: "ENDED",
        message: "ended as dead: NOT_AN_IMAGE after 1 attempt: no picture",
        facts: { state: "dead", word: "NOT_AN_IMAGE", attempts: 1, detail: "no picture" },
      },
    ]);
  });

  function messageOf(word: string, attempts: number, detail: string): string | undefined {
    const reasons = [{ code: "ENDED", state: "dead", word, attempts, detail }] as const;
    return explanationViewOf({ state: "dead", reasons }, 0).reasons[0]?.message;
  }

  it.each([
    ["result", 2, "", "ended as dead: result after 2 attempts"],
    ["CANCELLED", 0, "by you", "ended as dead: CANCELLED: by you"],
    ["BAD", 1, "a\nb\u001b[31mc\u202e", "ended as dead: BAD after 1 attempt: a b [31mc"],
  ])("is one line whatever its text: %s, %i, %j", (word, attempts, detail, message) => {
    expect(messageOf(word, attempts, detail)).toBe(message);
  });

  it("with a long text is cut", () => {
    const message = messageOf("BAD", 0, "x".repeat(4_096)) ?? "";
    expect(message).toBe(`ended as dead: BAD: ${"x".repeat(300)}…`);
  });
});
