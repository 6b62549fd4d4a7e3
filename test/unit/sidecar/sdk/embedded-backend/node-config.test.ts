import { toJson } from "@bufbuild/protobuf";
import { StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { NodeConfigSchema } from "../../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { resolveDemandSettings } from "../../../../../sidecar/sdk/demand-options.ts";
import { nodeConfigOf } from "../../../../../sidecar/sdk/embedded-backend/node-config.ts";
import { checkNodeConfig } from "../../../../../sidecar/wire/node-config.ts";
import { descriptorSetOf } from "../../../../../sidecar/wire/message-codec.ts";

const contract = {
  request: Text.typeName,
  response: Text.typeName,
  descriptorSet: () => descriptorSetOf([Text]),
};
const identity = { name: { clusterId: "c", namespace: "n", nodeId: "sdk-1" } };

test("says what the program said, contracts by hash, each descriptor set once", () => {
  const settings = resolveDemandSettings({
    request: Text,
    response: Text,
    desiredProviders: 3,
    lease: { durationMs: 1_500, progressTimeoutMs: 2_000 },
    queue: { overflow: "wait" },
  });
  const config = nodeConfigOf(
    identity,
    { group: "239.1.2.3", port: 7_000 },
    {
      demands: [{ name: "texts", contract, settings }],
      capabilities: [{ name: "texts", contract, concurrency: 4, maxDemands: 2 }],
    },
  );
  expect(checkNodeConfig(config)).toMatchObject({ ok: true });
  expect(config.descriptorSets).toHaveLength(1);
  expect(toJson(NodeConfigSchema, config)).toMatchObject({
    clusterId: "c",
    identity: { noCa: true },
    discovery: { multicast: { group: "239.1.2.3", port: 7_000 } },
    demands: [
      {
        contract: { descriptorSet: config.descriptorSets[0]?.hash },
        desiredProviders: 3,
        maxProviders: 10,
        lease: { duration: "1.500s", maxRuntime: "600s", progressTimeout: "2s" },
        queue: { maxItems: 10_000, maxBytes: "268435456", overflow: "OVERFLOW_WAIT" },
      },
    ],
    capabilities: [{ concurrency: 4, maxDemands: 2 }],
  });
});
