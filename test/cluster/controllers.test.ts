/** What the operator does with resources, targets and pods of a real API server. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { capabilityManifest, demandManifest, type Json } from "../support/manifests.ts";
import { writeVerbs } from "./audit-log.ts";
import { type Cluster, createPod, installOperator, startCluster } from "./index.ts";
import { leaderOf, type OperatorProcess, startOperator } from "./operator-process.ts";
import { collection, type Condition, conditionOf, contractConfigMap } from "./workload.ts";

let cluster: Cluster;
let operator: OperatorProcess;

const namespace = "controllers";
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const demands = collection(namespace, "demands");
const capabilities = collection(namespace, "capabilities");

beforeAll(async () => {
  cluster = await startCluster({ controllers: true });
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  await cluster.admin.api.create(configMaps, contractConfigMap());
  operator = await startOperator(cluster, "spillway-operator-0");
  await leaderOf([operator]);
});

afterAll(async () => {
  await operator.stop();
  await cluster.stop();
});

/** Waits until a condition has a reason. */
async function reason(path: string, type: string, wanted: string): Promise<Condition> {
  return await eventually(
    async () => {
      const seen = conditionOf(await cluster.admin.api.get(path), type);
      if (seen?.reason === wanted) return seen;
      throw new Error(`it is ${JSON.stringify(seen)}`);
    },
    { timeoutMs: 20_000, what: `${type}: ${wanted} of ${path}` },
  );
}

async function makeDemand(name: string, change: (it: Json) => void = () => {}): Promise<string> {
  const manifest = demandManifest((it) => {
    it.metadata.name = name;
    change(it);
  });
  await cluster.admin.api.create(demands, manifest);
  return `${demands}/${name}`;
}

async function makeCapability(name: string, change: (it: Json) => void): Promise<string> {
  const manifest = capabilityManifest((it) => {
    it.metadata.name = name;
    change(it);
  });
  await cluster.admin.api.create(capabilities, manifest);
  return `${capabilities}/${name}`;
}

/** Writes of the operator since a moment, besides those of its Lease. */
function writesSince(startedAt: string): string[] {
  const requests = operator.requests(
    ({ verb, objectRef, requestReceivedTimestamp }) =>
      writeVerbs.has(verb) &&
      objectRef?.resource !== "leases" &&
      requestReceivedTimestamp > startedAt,
  );
  return requests.map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

describe("a contract", () => {
  test("that is not there refuses the Demand, which follows once it comes", async () => {
    const path = await makeDemand("later", (it) => {
      it.spec.contract.schema.configMapRef.name = "later";
    });
    const { message } = await reason(path, "Accepted", "ContractUnresolved");
    expect(message).toContain("There is no ConfigMap later");
    const map = contractConfigMap() as Json;
    map.metadata.name = "later";
    await cluster.admin.api.create(configMaps, map);
    const startedMs = performance.now();
    await reason(path, "Accepted", "Valid");
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test("that does not hold the message names the one that was meant", async () => {
    const path = await makeDemand("misspelt", (it) => {
      it.spec.contract.response = "images.v1.Thumbnails";
    });
    const { message } = await reason(path, "Accepted", "ContractUnresolved");
    expect(message).toContain("write images.v1.Thumbnail.");
  });
});

describe("the annotation that stops the operator", () => {
  test("keeps it from the object until it is taken out", async () => {
    const path = await makeDemand("halted");
    await reason(path, "Accepted", "Valid");
    const annotate = async (value: string | null): Promise<void> => {
      const annotations = { "spillway.dev/reconcile": value };
      await cluster.admin.api.merge(path, { metadata: { annotations } });
    };
    await annotate("paused");
    await reason(path, "Progressing", "Paused");
    await cluster.admin.api.merge(path, { spec: { maxProviders: 99 } });
    await delay(1_000);
    const seen = await cluster.admin.api.get(path);
    expect(seen["status"].observedGeneration).toBeLessThan(seen.metadata.generation ?? 0);
    await annotate(null);
    await reason(path, "Progressing", "Settled");
    const after = await cluster.admin.api.get(path);
    expect(after["status"].observedGeneration).toBe(after.metadata.generation);
  });
});

describe("a scale target", () => {
  const scale = { minReplicas: 2, maxReplicas: 4, stabilization: "1s", idleAfter: "1s" };
  const targetRef = { kind: "Deployment", name: "worker" };
  const request = "images.v1.ThumbnailRequest";
  let path: string;

  const replicas = async (wanted: number): Promise<void> => {
    await eventually(
      async () =>
        (await cluster.admin.api.get(`${deployments}/worker`))["spec"].replicas === wanted,
      { timeoutMs: 40_000, what: `${wanted} replicas` },
    );
  };

  test("that is not there is said, and raised to minReplicas once it is", async () => {
    path = await makeCapability("scaler", (it) => {
      it.spec.scale = { ...scale, targetRef };
    });
    await reason(path, "Degraded", "ScaleTargetNotFound");
    const labels = { app: "worker", "spillway.dev/injected": "true" };
    await cluster.admin.api.create(deployments, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "worker" },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "worker" } },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "app", image: "localhost/app:1" }] },
        },
      },
    });
    // What is missing is looked for once a minute; an edit is looked at now.
    await cluster.admin.api.merge(path, { spec: { concurrency: 2 } });
    await replicas(2);
    await reason(path, "Degraded", "AsExpected");
  });

  test("belongs to the oldest Capability of a route", async () => {
    // Times of creation are whole seconds.
    await delay(1_100);
    const second = await makeCapability("second", (it) => {
      it.spec.scale = { ...scale, targetRef: { kind: "StatefulSet", name: "other" } };
      it.spec.contract.request = request;
    });
    const { message } = await reason(second, "Degraded", "RouteAlreadyScaled");
    expect(message).toContain("Capability scaler");
    await cluster.admin.api.delete(second);
  });

  test("is lowered by pods that never ran, which are marked before", async () => {
    await cluster.admin.api.merge(path, { spec: { scale: { minReplicas: 0 } } });
    await replicas(0);
    const events = await cluster.admin.api.list(
      `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
    );
    expect(events.map((it) => it["reason"])).toEqual(
      expect.arrayContaining(["ScaledUp", "ScaledDown", "ScaleTargetNotFound"]),
    );
  });

  test("is not lowered while a queue of its route has not reported", async () => {
    await makeDemand("unheard");
    await createPod(cluster.admin.api, { namespace, name: "web-0", labels: { app: "web" } });
    await cluster.admin.api.merge(`${deployments}/worker`, { spec: { replicas: 3 } });
    const { message } = await reason(path, "Progressing", "ReportsMissing");
    expect(message).toContain("web-0");
    expect((await cluster.admin.api.get(`${deployments}/worker`))["spec"].replicas).toBe(3);
  });
});

describe("an operator", () => {
  test("at rest writes nothing but its Lease", { timeout: 60_000 }, async () => {
    await delay(3_000);
    const startedAt = new Date().toISOString();
    await delay(15_000);
    expect(writesSince(startedAt)).toEqual([]);
  });

  test("that was away finds what changed, and a new one writes nothing else", async () => {
    await operator.stop();
    await cluster.admin.api.merge(`${demands}/later`, { spec: { maxProviders: 20 } });
    await cluster.admin.api.delete(`${demands}/misspelt`);
    operator = await startOperator(cluster, "spillway-operator-1");
    await eventually(
      async () => {
        const { metadata, ...it } = await cluster.admin.api.get(`${demands}/later`);
        return it["status"].observedGeneration === metadata.generation;
      },
      { timeoutMs: 20_000, what: "the edit" },
    );
    await delay(3_000);
    const touched = writesSince("").filter((it) => it.includes("/demands/"));
    expect(touched.map((it) => /([^/]+)\/status/.exec(it)?.[1])).toEqual(["later"]);
  });
});
