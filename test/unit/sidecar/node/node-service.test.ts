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
