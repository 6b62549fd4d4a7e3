/**
 * A contract's ConfigMap goes while no operator looks. The next operator cannot tell the resources
 * that need it: sidecars keep what they have, the status says so, and all is well once it is back.
 * The tests are one story, in this order.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { capabilityManifest, demandManifest } from "../support/manifests.ts";
import { type Cluster, createPod, installOperator, startCluster } from "./index.ts";
import { leaderOf, type OperatorProcess, startOperator } from "./operator-process.ts";
import { ServiceAddress } from "./service-address.ts";
import { type SidecarProcess, startSidecar } from "./sidecar-process.ts";
import { collection, type Condition, conditionOf, contractConfigMap } from "./workload.ts";

const namespace = "shop";
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const demand = `${collection(namespace, "demands")}/thumbnails`;
const capability = `${collection(namespace, "capabilities")}/thumbnailer`;

let cluster: Cluster;
let operator: OperatorProcess;
let control: ServiceAddress;
let web: SidecarProcess;
let worker: SidecarProcess;
/** Started while the contract is gone. */
let late: SidecarProcess | undefined;
let ticket = "";

async function ask(sidecar: SidecarProcess, path: string, body?: object) {
  const answer = await fetch(`${sidecar.opsUrl}${path}`, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { "content-type": "application/json" },
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function capabilitiesOf(sidecar: SidecarProcess): Promise<string[] | undefined> {
  const { body } = await ask(sidecar, "/v1/capabilities");
  return (body["capabilities"] as { name: string }[] | undefined)?.map(({ name }) => name);
}

/** What the two sidecars have of the Demand and the Capability. */
async function held() {
  const { body: queues } = await ask(web, "/v1/demands");
  const { body: item } = await ask(web, `/v1/items/${ticket}`);
  return {
    demands: (queues["demands"] as { name: string; providers: { id: string }[] }[]).map(
      ({ name, providers }) => ({ name, providers: providers.map(({ id }) => id).toSorted() }),
    ),
    capabilities: await capabilitiesOf(worker),
    item: item["state"],
  };
}

/** What they should have, whoever else provides. */
function whole(...others: readonly SidecarProcess[]) {
  const providers = [worker, ...others].map(({ pod }) => pod.uid).toSorted();
  return {
    demands: [{ name: "thumbnails", providers }],
    capabilities: ["thumbnailer"],
    item: "ready",
  };
}

/** Looks all the time while something goes on: nothing may be missing for a moment. */
async function wholeDuring(story: () => Promise<void>): Promise<void> {
  const seen = new Set<string>();
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      seen.add(JSON.stringify(await held()));
      await delay(50);
    }
  };
  const watching = watch();
  try {
    await story();
  } finally {
    isOver = true;
    await watching;
  }
  expect([...seen]).toEqual([JSON.stringify(whole())]);
}

/** Waits until a condition is as wanted. */
async function condition(path: string, type: string, wanted: Partial<Condition>): Promise<void> {
  await eventually(
    async () => expect(conditionOf(await cluster.admin.api.get(path), type)).toMatchObject(wanted),
    { timeoutMs: 60_000, intervalMs: 100, what: `${type} of ${path}` },
  );
}

async function startPod(name: string, app: string): Promise<SidecarProcess> {
  const pod = await createPod(cluster.admin.api, { namespace, name, labels: { app } });
  return await startSidecar(cluster, pod, control.address);
}

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  await cluster.admin.api.create(configMaps, contractConfigMap());
  await cluster.admin.api.create(collection(namespace, "demands"), demandManifest());
  await cluster.admin.api.create(collection(namespace, "capabilities"), capabilityManifest());
  operator = await startOperator(cluster, "spillway-operator-0");
  control = await ServiceAddress.open([operator.controlAddress]);
  web = await startPod("web-0", "web");
  worker = await startPod("worker-0", "worker");
});

afterAll(async () => {
  for (const it of [web, worker, late]) await it?.process.stop();
  await operator?.stop();
  await control?.close();
  await cluster.stop();
});

test("a Demand is Ready, its item waits for the application", async () => {
  await condition(demand, "Ready", { status: "True", reason: "Serving" });
  await condition(capability, "Ready", { status: "True" });
  const added = await ask(web, "/v1/demands/thumbnails/items", { width: 1 });
  expect(added).toMatchObject({ status: 202 });
  ticket = String(added.body["ticket"]);
  await eventually(async () => expect(await held()).toEqual(whole()));
});

test("an operator that comes after the contract went says so, and withdraws nothing", async () => {
  await wholeDuring(async () => {
    await operator.stop();
    await cluster.admin.api.delete(`${configMaps}/images`);
    operator = await startOperator(cluster, "spillway-operator-1");
    control.forwardTo([operator.controlAddress]);
    await leaderOf([operator]);
    for (const path of [demand, capability]) {
      const gone = { status: "False", reason: "ContractUnresolved" } as const;
      const message = expect.stringContaining("There is no ConfigMap images");
      await condition(path, "Accepted", { ...gone, message });
      await condition(path, "Ready", gone);
    }
    await eventually(
      async () =>
        expect(await operator.metrics()).toMatch(/^spillway_operator_control_streams 2$/m),
      { timeoutMs: 30_000, what: "both sidecars at the new operator" },
    );
  });
});

test("it goes on so: an item is added, and a report later all is there", async () => {
  await wholeDuring(async () => {
    const added = await ask(web, "/v1/demands/thumbnails/items", { width: 2 });
    expect(added).toMatchObject({ status: 202 });
    // The status counts it once the sidecar has reported to this operator.
    await eventually(
      async () => expect((await cluster.admin.api.get(demand))["status"]?.items?.ready).toBe(2),
      { timeoutMs: 60_000, intervalMs: 200, what: "both items in the status" },
    );
  });
});

test("a sidecar that is started again while it is gone has it from its disk", async () => {
  await worker.process.kill();
  await worker.start();
  await eventually(async () => expect(await held()).toEqual(whole()), { timeoutMs: 30_000 });
});

test("a new pod gets nothing of it, and the others lose nothing", async () => {
  late = await startPod("worker-1", "worker");
  const sidecar = late;
  await wholeDuring(async () => {
    await eventually(async () => expect(await capabilitiesOf(sidecar)).toEqual([]));
  });
});

test("Ready follows when the ConfigMap is back, and the new pod provides too", async () => {
  await cluster.admin.api.create(configMaps, contractConfigMap());
  await condition(demand, "Accepted", { status: "True", reason: "Valid" });
  await condition(demand, "Ready", { status: "True", reason: "Serving" });
  await condition(capability, "Ready", { status: "True" });
  const others = late === undefined ? [] : [late];
  await eventually(async () => expect(await held()).toEqual(whole(...others)), {
    timeoutMs: 30_000,
  });
});
