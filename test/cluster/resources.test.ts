/** The definitions of the resources on a real API server. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  customResourceDefinition,
  definedKinds,
  readCapability,
  readDemand,
} from "../../operator/schema/index.ts";
import { eventually } from "../support/eventually.ts";
import { capabilityManifest, demandManifest, type Json } from "../support/manifests.ts";
import { type ApiObject, type Cluster, startCluster } from "./index.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

const crdsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const demandsPath = "/apis/spillway.dev/v1alpha1/namespaces/default/demands";
const capabilitiesPath = "/apis/spillway.dev/v1alpha1/namespaces/default/capabilities";
const example = join(import.meta.dirname, "../../examples/thumbnails");
const exampleFiles = ["-f", join(example, "demand.yaml"), "-f", join(example, "capability.yaml")];

/** A Demand named `name`. */
function demand(name: string, change: (manifest: Json) => void = () => {}): Json {
  return demandManifest((it) => {
    it.metadata.name = name;
    change(it);
  });
}

const ready = {
  type: "Ready",
  status: "True",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-01T00:00:00Z",
  reason: "Serving",
  message: "",
};

describe("definitions", () => {
  test("are established, structural, and wholly accepted", async () => {
    const definitions = await cluster.admin.api.list(crdsPath);
    expect(definitions.map(({ metadata }) => metadata.name)).toEqual([
      "capabilities.spillway.dev",
      "demands.spillway.dev",
    ]);
    for (const { status } of definitions) {
      const conditions = (status.conditions as { type: string; status: string }[]).map((it) => [
        it.type,
        it.status,
      ]);
      expect(conditions).toContainEqual(["Established", "True"]);
      expect(conditions).toContainEqual(["NamesAccepted", "True"]);
      expect(conditions.map(([type]) => type)).not.toContain("NonStructuralSchema");
    }
  });

  test("are kept as they were made, so that a drift can be seen", async () => {
    for (const kind of definedKinds) {
      const { metadata, spec } = customResourceDefinition(kind);
      const kept = await cluster.admin.api.get(`${crdsPath}/${metadata.name}`);
      expect(kept["spec"]).toEqual({ ...spec, conversion: { strategy: "None" } });
    }
  });

  test("are applied a second time without a change", async () => {
    const definition = customResourceDefinition("Demand");
    const path = `${crdsPath}/${definition.metadata.name}`;
    const before = await cluster.admin.api.get(path);
    await cluster.installCrds();
    expect((await cluster.admin.api.get(path)).metadata).toEqual(before.metadata);
  });

  test("explain every field to kubectl", async () => {
    // What a server has is told a moment after it is there.
    const text = await eventually(
      async () => await cluster.admin.kubectl(["explain", "dmd.spec", "--recursive"]),
      { timeoutMs: 30_000 },
    );
    expect(text).toContain("KIND:       Demand");
    expect(text).toContain("progressTimeout\t<string>");
    const field = await cluster.admin.kubectl(["explain", "cap.spec.scale.idleAfter"]);
    expect(field).toContain("Without work for this long, down to minReplicas.");
  });
});

describe("manifests", () => {
  test("of the example are accepted as they are, strictly", async () => {
    const said = await cluster.admin.kubectl([
      "apply",
      "--dry-run=server",
      "--validate=strict",
      ...exampleFiles,
    ]);
    expect(said).toBe(
      "demand.spillway.dev/thumbnails created (server dry run)\n" +
        "capability.spillway.dev/thumbnails created (server dry run)\n",
    );
  });

  test("show every default, as `up` fills it in, and change nothing when applied again", async () => {
    await cluster.admin.kubectl(["apply", ...exampleFiles]);
    const [first, second] = [
      await cluster.admin.api.get(`${demandsPath}/thumbnails`),
      await cluster.admin.api.get(`${capabilitiesPath}/thumbnails`),
    ];
    const read = [readDemand(first), readCapability(second)];
    expect(read.map((it) => it.ok && it.resource.spec)).toEqual([first["spec"], second["spec"]]);
    expect(first["spec"].retry).toEqual({
      maxAttempts: 8,
      backoff: { initial: "200ms", max: "1m", factor: 2 },
    });
    const said = await cluster.admin.kubectl(["apply", ...exampleFiles]);
    expect(said.match(/ unchanged$/gm)).toHaveLength(2);
    const again = await cluster.admin.api.get(`${demandsPath}/thumbnails`);
    expect(again.metadata).toEqual(first.metadata);
    const applied = await cluster.admin.kubectl(["apply", "--server-side", ...exampleFiles]);
    expect(applied).toContain("serverside-applied");
    const { generation } = (await cluster.admin.api.get(`${demandsPath}/thumbnails`)).metadata;
    expect(generation).toBe(first.metadata.generation);
  });

  test.each(["request", "response"])("keep the %s that they were made with", async (field) => {
    const name = `fixed-${field}`;
    await cluster.admin.api.create(demandsPath, demand(name));
    const change = { spec: { contract: { [field]: "images.v1.Other" } } };
    await expect(cluster.admin.api.merge(`${demandsPath}/${name}`, change)).rejects.toThrow(
      `spec.contract.${field}: Invalid value: "images.v1.Other": is immutable. Make a resource of another name, and delete this one when its work is done.`,
    );
    const source = { spec: { contract: { schema: { configMapRef: { key: "other.binpb" } } } } };
    await cluster.admin.api.merge(`${demandsPath}/${name}`, source);
  });

  test("are found by short name, category and the fields that routes are made of", async () => {
    await cluster.admin.kubectl(["apply", ...exampleFiles]);
    const names = async (...args: string[]): Promise<string> =>
      (await cluster.admin.kubectl(["get", "-o", "name", ...args])).trim();
    const both = "capability.spillway.dev/thumbnails";
    expect(await names("cap")).toBe(both);
    expect(await names("spillway")).toContain(both);
    expect(await names("all")).toContain(both);
    const route = "spec.contract.request=thumbnails.v1.ThumbnailRequest,spec.paused=false";
    expect(await names("dmd", "--field-selector", route)).toBe("demand.spillway.dev/thumbnails");
    const target = "spec.scale.targetRef.name=worker";
    expect(await names("cap", "--field-selector", target)).toBe("");
  });
});

describe("a status", () => {
  const status = {
    observedGeneration: 1,
    queues: 2,
    items: { ready: 7, leased: 3, dead: 1, delayed: 0 },
    connectedProviders: 4,
    providerDeficit: 0,
    oldestReadySince: "2026-01-01T00:00:00Z",
    conditions: [ready],
  };

  test("is written by /status only, and /status writes nothing else", async () => {
    const made = await cluster.admin.api.create(
      demandsPath,
      demand("told", (it) => (it.status = status)),
    );
    expect(made["status"]).toBeUndefined();
    const path = `${demandsPath}/told`;
    await cluster.admin.api.merge(path, { status });
    expect((await cluster.admin.api.get(path))["status"]).toBeUndefined();
    const told = await cluster.admin.api.merge(`${path}/status`, {
      status,
      spec: { paused: true },
      metadata: { labels: { changed: "yes" } },
    });
    expect(told["status"]).toEqual(status);
    expect(told["spec"].paused).toBe(false);
    expect(told.metadata.generation).toBe(1);
    expect(readDemand(told).resource.status).toEqual(status);
  });

  test("is printed in columns, more of them with -o wide", async () => {
    await cluster.admin.api.create(demandsPath, demand("shown"));
    await cluster.admin.api.merge(`${demandsPath}/shown/status`, { status });
    const [head, row] = await tableOf("dmd", "shown");
    expect(head).toEqual(
      "NAME READY REASON ITEMS-READY ITEMS-LEASED ITEMS-DEAD PROVIDERS AGE".split(" "),
    );
    expect(row?.slice(0, -1)).toEqual("shown True Serving 7 3 1 4".split(" "));
    const [wide] = await tableOf("dmd", "shown", "-o", "wide");
    expect(wide).toContain("OLDEST");
    expect(wide).toContain("REQUEST");
  });

  test("with conditions of one type twice, a strange word or a negative count is refused", async () => {
    await cluster.admin.api.create(demandsPath, demand("odd"));
    const write = async (part: object): Promise<ApiObject> =>
      await cluster.admin.api.merge(`${demandsPath}/odd/status`, { status: part });
    await expect(write({ conditions: [ready, ready] })).rejects.toThrow("Duplicate value");
    await expect(write({ conditions: [{ ...ready, reason: "no word" }] })).rejects.toThrow(
      "should match",
    );
    await expect(write({ conditions: [{ ...ready, status: "Maybe" }] })).rejects.toThrow(
      'supported values: "True", "False", "Unknown"',
    );
    await expect(write({ queues: -1 })).rejects.toThrow("greater than or equal to 0");
    await expect(write({ oldestReadySince: "yesterday" })).rejects.toThrow("date-time");
  });

  test("of a Capability takes all that the operator says of it", async () => {
    const whole = {
      observedGeneration: 1,
      selectedPods: 3,
      providers: 3,
      connections: 6,
      running: 2,
      multicast: { reachable: 1, unreachable: 2 },
      scale: {
        currentReplicas: 3,
        desiredReplicas: 4,
        quiescingPods: 0,
        idleSince: "2026-01-01T00:00:00Z",
        lastScaleTime: "2026-01-01T00:00:00Z",
      },
      conditions: [ready],
    };
    await cluster.admin.api.create(capabilitiesPath, capabilityManifest());
    const path = `${capabilitiesPath}/thumbnailer/status`;
    const told = await cluster.admin.api.merge(path, { status: whole });
    expect(told["status"]).toEqual(whole);
    expect(readCapability(told).resource.status).toEqual(whole);
  });
});

/** What `kubectl get` prints: cells by row, the head first. */
async function tableOf(...args: string[]): Promise<string[][]> {
  const text = await cluster.admin.kubectl(["get", ...args]);
  return text
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/));
}

describe("an object that is older than a rule", () => {
  test("keeps working: other fields change, the field itself only into the new bounds", async () => {
    const path = `${demandsPath}/old`;
    await cluster.admin.api.create(
      demandsPath,
      demand("old", ({ spec }) => {
        spec.maxProviders = 50;
        spec.lease = { duration: "30m" };
      }),
    );
    await tighten((spec) => {
      spec.properties.maxProviders.maximum = 20;
      spec.properties.lease.properties.duration["x-kubernetes-validations"].push({
        rule: "duration(self) <= duration('10m')",
        message: "is out of range",
      });
    });
    const tooMany = demand("new", ({ spec }) => (spec.maxProviders = 50));
    await eventually(
      async () => {
        const made = cluster.admin.api.create(`${demandsPath}?dryRun=All`, tooMany);
        await expect(made).rejects.toThrow("less than or equal to 20");
        return true;
      },
      { timeoutMs: 30_000 },
    );
    await cluster.admin.api.merge(path, { metadata: { labels: { team: "images" } } });
    const paused = await cluster.admin.api.merge(path, { spec: { paused: true } });
    expect(paused["spec"]).toMatchObject({ paused: true, maxProviders: 50 });
    await cluster.admin.api.merge(`${path}/status`, { status: { conditions: [ready] } });
    const raise = cluster.admin.api.merge(path, { spec: { maxProviders: 60 } });
    await expect(raise).rejects.toThrow("less than or equal to 20");
    const longer = cluster.admin.api.merge(path, { spec: { lease: { duration: "20m" } } });
    await expect(longer).rejects.toThrow("is out of range");
    await cluster.admin.api.merge(path, { spec: { maxProviders: 20, lease: { duration: "5m" } } });
  });
});

/** Installs a definition of the Demand whose spec is stricter. */
async function tighten(change: (spec: Json) => void): Promise<void> {
  const definition: Json = structuredClone(customResourceDefinition("Demand"));
  change(definition.spec.versions[0].schema.openAPIV3Schema.properties.spec);
  await cluster.admin.api.apply(`${crdsPath}/${definition.metadata.name}`, definition, "kubectl");
}
