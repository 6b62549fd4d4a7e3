import { toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { capabilityConfig, demandConfig } from "../../../../operator/node-config/index.ts";
import { type Capability, check, type Demand, schemas } from "../../../../operator/schema/index.ts";
import {
  CapabilityConfigSchema,
  DemandConfigSchema,
} from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

const descriptorSetHash = "ab".repeat(32);

function demand(spec: Json = {}) {
  const manifest = demandManifest();
  const checked = check<Demand>(schemas.Demand, {
    ...manifest,
    spec: { ...manifest["spec"], ...spec },
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return { name: "thumbnails", spec: checked.value.spec, descriptorSetHash };
}

function capability(spec: Json = {}) {
  const manifest = capabilityManifest();
  const checked = check<Capability>(schemas.Capability, {
    ...manifest,
    spec: { ...manifest["spec"], ...spec },
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return { name: "resize", spec: checked.value.spec, descriptorSetHash };
}

test("a demand's durations, quantities and enums arrive as the sidecar reads them", () => {
  const config = demandConfig(
    demand({
      lease: { duration: "30s", maxRuntime: "5m", progressTimeout: "20s" },
      queue: { maxItems: 7, maxBytes: "3Gi", overflow: "Wait" },
    }),
  );
  expect(toJson(DemandConfigSchema, config)).toMatchObject({
    name: "thumbnails",
    contract: { descriptorSet: descriptorSetHash },
    lease: { duration: "30s", maxRuntime: "300s", progressTimeout: "20s" },
    queue: { maxItems: 7, maxBytes: "3221225472", overflow: "OVERFLOW_WAIT" },
  });
});

test("a field that is absent in the manifest and has no default stays absent", () => {
  expect(demandConfig(demand()).lease?.progressTimeout).toBeUndefined();
  expect(capabilityConfig(capability({ deliver: undefined })).deliver).toBeUndefined();
});

test("what is pushed goes to deliver.port, or to the replica's own port", () => {
  const source = capability({ deliver: { port: 8080, path: "/work" } });
  expect(toJson(CapabilityConfigSchema, capabilityConfig(source))).toMatchObject({
    deliver: { port: 8080, path: "/work" },
  });
  expect(capabilityConfig(source, 9_001).deliver?.port).toBe(9_001);
});
