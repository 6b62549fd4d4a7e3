import { describe, expect, it } from "vitest";
import { NodeConfigSchema } from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { decodeJson } from "../../../../sidecar/wire/decode-json.ts";

describe("decodeJson", () => {
  it("decodes by the protobuf JSON mapping", () => {
    const decoded = decodeJson(NodeConfigSchema, { nodeId: "web-0", drainGrace: "1.5s" });
    expect(decoded.ok && decoded.value.nodeId).toBe("web-0");
    expect(decoded.ok && decoded.value.drainGrace?.nanos).toBe(500_000_000);
  });

  const wrong: [string, unknown, string, string][] = [
    ["a wrong type", { nodeId: 5 }, "nodeId", "expected string, got 5"],
    ["an unknown field", { nodeID: "x" }, "nodeID", "no such field"],
    ["an unknown nested field", { listeners: { per: {} } }, "listeners.per", "no such field"],
    ["a list element", { demands: [{}, { name: 1 }] }, "demands[1].name", "expected string, got 1"],
    [
      "a well-known type",
      { demands: [{ lease: { duration: "5" } }] },
      "demands[0].lease.duration",
      '"5"',
    ],
    ["the root", [], "", "Array(0)"],
  ];
  it.each(wrong)("names the path of %s", (_what, json, fieldPath, rule) => {
    const decoded = decodeJson(NodeConfigSchema, json as never);
    expect(decoded.ok).toBe(false);
    if (!decoded.ok) {
      expect(decoded.failure.fieldPath).toBe(fieldPath);
      expect(decoded.failure.rule).toContain(rule);
    }
  });
});
