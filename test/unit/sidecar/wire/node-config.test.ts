import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseNodeConfig } from "../../../../sidecar/wire/node-config.ts";

const content = Buffer.from("descriptors");
const hash = createHash("sha256").update(content).digest("hex");
const contract = { request: "a.Request", response: "a.Response", descriptorSet: hash };

function config(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    clusterId: "local",
    namespace: "thumbnails",
    nodeId: "web-0.12345678",
    descriptorSets: [{ hash, content: content.toString("base64") }],
    demands: [{ name: "thumbnails", contract }],
    capabilities: [{ name: "thumbnails", contract }],
    ...changes,
  };
}

describe("parseNodeConfig", () => {
  it("takes a whole configuration", () => {
    const result = parseNodeConfig(stringify(config()));
    expect(result.ok && result.value.demands[0]?.contract?.request).toBe("a.Request");
  });

  const wrong: [string, Record<string, unknown>, string, RegExp][] = [
    ["no cluster", { clusterId: "" }, "clusterId", /is missing/],
    ["a bad namespace", { namespace: "A_b" }, "namespace", /does not match/],
    ["a bad node id", { nodeId: "a/b" }, "nodeId", /does not match/],
    ["a port", { listeners: { peer: { port: 70_000 } } }, "listeners.peer.port", /no port/],
    [
      "an ops listener that others reach",
      { listeners: { ops: { host: "0.0.0.0", port: 1 } } },
      "listeners.ops.host",
      /loopback/,
    ],
    [
      "a socket path over 107 bytes",
      { listeners: { appSocket: `/${"x".repeat(107)}` } },
      "listeners.appSocket",
      /too long/,
    ],
    ["two demands of one name", twice("demands"), "demands[1].name", /stands twice/],
    ["two capabilities of one name", twice("capabilities"), "capabilities[1].name", /twice/],
    [
      "a name with capitals",
      { demands: [{ name: "Thumbnails", contract }] },
      "demands[0].name",
      /no name/,
    ],
    [
      "a contract without descriptors",
      { demands: [{ name: "a", contract: { ...contract, descriptorSet: "ff" } }] },
      "demands[0].contract.descriptorSet",
      /names no descriptor set/,
    ],
    [
      "descriptors of another hash",
      { descriptorSets: [{ hash: "00", content: "" }] },
      "descriptorSets[0].hash",
      /SHA-256/,
    ],
    [
      "a static peer without a host",
      { discovery: { staticPeers: [{ nodeId: "a", port: 1 }] } },
      "discovery.staticPeers[0].host",
      /missing/,
    ],
    [
      "a delivery path without a slash",
      { capabilities: [{ name: "a", contract, deliver: { port: 1, path: "x" } }] },
      "capabilities[0].deliver.path",
      /slash/,
    ],
  ];
  it.each(wrong)("refuses %s, naming the field", (_what, changes, fieldPath, rule) => {
    const result = parseNodeConfig(stringify(config(changes)));
    expect(result.ok).toBe(false);
    if (!result.ok) {
      expect(result.failure.fieldPath).toBe(fieldPath);
      expect(result.failure.rule).toMatch(rule);
    }
  });

  it("names the line of the field", () => {
    const result = parseNodeConfig("clusterId: a\nnamespace: b\nnodeId: 5\n");
    expect(!result.ok && result.failure.line).toBe(3);
  });

  it("names the line of a syntax error", () => {
    const result = parseNodeConfig("clusterId: a\nnamespace: [\n");
    expect(!result.ok && result.failure.line).toBeGreaterThan(1);
  });
});

function twice(list: "demands" | "capabilities"): Record<string, unknown> {
  return {
    [list]: [
      { name: "a", contract },
      { name: "a", contract },
    ],
  };
}
