import { expect, test } from "vitest";
import { nodeServiceOf } from "../../../../sidecar/node/node-service.ts";
import { Health } from "../../../../sidecar/runtime/index.ts";
import { NodeCluster } from "../../../support/node-cluster.ts";

test("a contract is resolved once, for the node and its API, over all configurations", async () => {
  const cluster = new NodeCluster();
  const spec = { demands: [{ name: "ask" }], capabilities: [{ name: "answer" }] };
  const started = await cluster.start("node", spec);
  const service = nodeServiceOf(started.node, new Health(), async () => undefined);
  const contract = service.contractOf("demand", "ask");
  expect(contract?.request.typeName).toBe("echo.v1.Ask");
  expect(contract).toBe(started.node.demands.hosts.get("ask")?.contract.resolved);
  expect(service.contractOf("capability", "answer")).toBe(contract);
  started.configure({ ...spec, demands: [...spec.demands, { name: "more" }] });
  expect(service.contractOf("demand", "more")).toBe(contract);
  expect(service.contractOf("demand", "answer")).toBeUndefined();
});

test("items are listed from the queue, page after page, and a foreign cursor is refused", async () => {
  const cluster = new NodeCluster();
  const started = await cluster.start("node", { demands: [{ name: "ask" }, { name: "more" }] });
  const service = nodeServiceOf(started.node, new Health(), async () => undefined);
  const tickets: string[] = [];
  for (const demand of ["ask", "more", "ask", "ask"]) {
    const ticket = await cluster.add(started, demand);
    if (demand === "ask") tickets.push(ticket);
  }
  const first = service.items("ask", { limit: 2 });
  expect(first).toMatchObject({ ok: true, value: { more: true } });
  const told = first.ok ? first.value.items.map(({ ticket }) => ticket) : [];
  expect(told).toEqual(tickets.slice(0, 2));
  const last = service.items("ask", { limit: 2, after: told[1] ?? "" });
  expect(last).toMatchObject({ value: { more: false, items: [{ ticket: tickets[2] }] } });
  expect(service.items("ask", { limit: 2, state: "dead" })).toEqual({
    ok: true,
    value: { items: [], more: false },
  });
  expect(service.items("nothing", { limit: 2 })).toMatchObject({
    refusal: { code: "UNKNOWN_DEMAND" },
  });
  expect(service.items("ask", { limit: 2, after: "abc" })).toMatchObject({
    refusal: { code: "INVALID_ARGUMENT", fieldPath: "query.cursor" },
  });
});
