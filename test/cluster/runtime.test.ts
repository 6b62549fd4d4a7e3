/** operator/runtime against a real API server: what its in-process server can only imitate. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ApiClient,
  type ApiObject,
  Controller,
  EventRecorder,
  events,
  inClusterCredentials,
  keyOf,
  kubeconfigCredentials,
  LeaderElection,
  leases,
  realSurroundings,
  ResourceCache,
  resourceType,
  RuntimeMetrics,
} from "../../operator/runtime/index.ts";
import { eventually } from "../support/eventually.ts";
import { type Cluster, startCluster } from "./index.ts";

interface ConfigMap extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>({
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
});

const namespace = "runtime";
const surroundings = realSurroundings();
let cluster: Cluster;
let client: ApiClient;
let metrics: RuntimeMetrics;
const endings: (() => Promise<void>)[] = [];

function cacheOf(options: { readonly streamedList?: boolean; readonly pageSize?: number } = {}) {
  const cache = new ResourceCache<ConfigMap>(
    {
      resource: configMaps,
      namespace,
      labelSelector: "app=runtime",
      indexes: { color: (object) => [object.data?.color ?? "none"] },
      backoff: { baseMs: 50, maxMs: 500 },
      ...options,
    },
    { client, surroundings, metrics },
  );
  endings.push(() => cache.stop());
  return cache;
}

function configMap(name: string, color: string): ConfigMap {
  return { metadata: { namespace, name, labels: { app: "runtime" } }, data: { color } };
}

async function paint(name: string, color: string): Promise<ConfigMap> {
  return client.apply(configMaps, configMap(name, color), { fieldManager: "painter" });
}

beforeAll(async () => {
  cluster = await startCluster({ crds: false });
  await cluster.addNamespace(namespace);
  metrics = new RuntimeMetrics();
  const credentials = await kubeconfigCredentials({ path: cluster.admin.kubeconfig });
  client = ApiClient.connect(credentials, { surroundings, metrics });
});

afterAll(async () => {
  for (const end of endings) await end();
  await client.close();
  await cluster.stop();
});

describe("the client", () => {
  it("creates, reads, changes and deletes, and says by code what it was refused", async () => {
    const created = await client.create(configMaps, configMap("verbs", "red"));
    const place = { namespace, name: "verbs" };
    const again = client.create(configMaps, configMap("verbs", "red"));
    await expect(again).rejects.toMatchObject({ code: "ALREADY_EXISTS", status: 409 });
    const updated = await client.update(configMaps, { ...created, data: { color: "blue" } });
    const stale = client.update(configMaps, { ...created, data: { color: "green" } });
    await expect(stale).rejects.toMatchObject({ code: "CONFLICT", status: 409 });
    expect(updated.data).toEqual({ color: "blue" });
    await client.patch(configMaps, place, { type: "merge", patch: { data: { size: "9" } } });
    expect((await client.get(configMaps, place)).data).toEqual({ color: "blue", size: "9" });
    await client.delete(configMaps, place, { uid: created.metadata.uid });
    await client.delete(configMaps, place);
    await expect(client.get(configMaps, place)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const invalid = client.create(configMaps, configMap("Not A Name", "red"));
    await expect(invalid).rejects.toMatchObject({ code: "INVALID", status: 422 });
  });

  it("applies under a manager's name: what the manager leaves out is given up", async () => {
    const first = { metadata: { namespace, name: "applied" }, data: { a: "1", b: "2" } };
    await client.apply<ConfigMap>(configMaps, first, { fieldManager: "one" });
    const other = { metadata: { namespace, name: "applied" }, data: { c: "3" } };
    await client.apply<ConfigMap>(configMaps, other, { fieldManager: "two" });
    const less = { metadata: { namespace, name: "applied" }, data: { a: "1" } };
    const left = await client.apply<ConfigMap>(configMaps, less, { fieldManager: "one" });
    expect(left.data).toEqual({ a: "1", c: "3" });
    const claim = { metadata: { namespace, name: "applied" }, data: { c: "4" } };
    const polite = client.apply(configMaps, claim, { fieldManager: "one", force: false });
    await expect(polite).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("works with a service account's files, and is told what it may not do", async () => {
    const folder = join(cluster.folder, "service-account");
    mkdirSync(folder);
    const { token } = await client
      .request({
        method: "POST",
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      })
      .then((answer) => (answer as { status: { token: string } }).status);
    writeFileSync(join(folder, "token"), token);
    writeFileSync(join(folder, "ca.crt"), cluster.caPem);
    writeFileSync(join(folder, "namespace"), namespace);
    const { hostname: host, port } = new URL(cluster.server);
    const credentials = await inClusterCredentials({ host, port, folder });
    const pod = ApiClient.connect(credentials, { surroundings, metrics: new RuntimeMetrics() });
    const refused = pod.list(configMaps, { namespace });
    await expect(refused).rejects.toMatchObject({ code: "FORBIDDEN", status: 403 });
    await pod.close();
  });
});

describe.each([{ streamedList: true }, { streamedList: false, pageSize: 7 }])(
  "the cache ($streamedList)",
  (options) => {
    it("holds what is there, and follows what comes, changes and goes", async () => {
      for (let at = 0; at < 20; at++) await paint(`follow-${at}`, at % 2 === 0 ? "red" : "blue");
      const cache = cacheOf(options);
      const seen: string[] = [];
      cache.onChange(({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
      cache.start();
      await cache.synced();
      expect(cache.byIndex("color", "red").length).toBeGreaterThanOrEqual(10);
      expect(cache.get(`${namespace}/follow-3`)?.data).toEqual({ color: "blue" });
      const kept: object = cache.get(`${namespace}/follow-3`)?.metadata ?? {};
      expect(kept).not.toHaveProperty("managedFields");
      await paint("follow-3", "green");
      await eventually(() =>
        cache.byIndex("color", "green").map(keyOf).includes(`${namespace}/follow-3`),
      );
      await client.delete(configMaps, { namespace, name: "follow-4" });
      await eventually(() => seen.includes("removed follow-4"));
      expect(cache.get(`${namespace}/follow-4`)).toBeUndefined();
      await cache.stop();
    });
  },
);

describe("the cache when the API server is away", () => {
  it("lists again when its version was compacted, and misses no deletion", async () => {
    await paint("kept", "red");
    await paint("gone", "red");
    const cache = cacheOf();
    cache.start();
    await cache.synced();
    await cluster.apiServer.stop();
    await cluster.apiServer.start();
    // The caches' watch is down or just up again: change, then forget all history.
    await client.delete(configMaps, { namespace, name: "gone" });
    await paint("kept", "blue");
    await cluster.compact();
    await eventually(
      () =>
        cache.get(`${namespace}/gone`) === undefined &&
        cache.get(`${namespace}/kept`)?.data?.color === "blue",
      { timeoutMs: 20_000 },
    );
    await cache.stop();
  });
});

describe("a controller over a cache", () => {
  it("brings the world to what the objects say, and writes nothing once it is so", async () => {
    const cache = cacheOf();
    let writes = 0;
    const controller = new Controller(
      {
        name: "shadow",
        concurrency: 4,
        reconcile: async (key) => {
          const object = cache.get(key);
          if (object === undefined || object.data?.shadow === "true") return {};
          const name = `shadow-${object.metadata.name}`;
          const wished = { metadata: { namespace, name }, data: { shadow: "true" } };
          writes += 1;
          await client.apply(configMaps, wished, { fieldManager: "shadow" });
          return {};
        },
      },
      { surroundings, metrics },
    );
    cache.onChange(({ object }) => {
      controller.enqueue(keyOf(object));
    });
    cache.start();
    await cache.synced();
    controller.start();
    await eventually(() => controller.depth === 0 && writes >= cache.size);
    const text = await metrics.expose();
    const series = text.split("\n");
    const has = (...parts: string[]): boolean =>
      series.some((line) => parts.every((part) => line.includes(part)));
    expect(has("controller_runtime_reconcile_total{", 'result="success"')).toBe(true);
    expect(has("rest_client_requests_total{", 'code="201"', 'method="PATCH"')).toBe(true);
    expect(has('workqueue_depth{name="shadow",controller="shadow"} 0')).toBe(true);
    await controller.stop();
    await cache.stop();
  });
});

describe("leader election", () => {
  function candidate(identity: string) {
    const told: string[] = [];
    const election = new LeaderElection(
      {
        namespace,
        name: "election",
        identity,
        leaseDurationMs: 3_000,
        renewDeadlineMs: 2_000,
        retryPeriodMs: 300,
        onElected: () => told.push("elected"),
        onLost: (why) => told.push(why),
      },
      { client, surroundings, metrics },
    );
    endings.push(() => election.release());
    return { election, told };
  }

  it("lets one lead; another follows at once when the lease is given back", async () => {
    const one = candidate("one:1");
    const two = candidate("two:2");
    one.election.start();
    await eventually(() => one.election.isLeader());
    two.election.start();
    await eventually(() => two.election.holder === "one:1");
    expect(two.election.isLeader()).toBe(false);
    const releasedAtMs = performance.now();
    await one.election.release();
    expect(one.told).toEqual(["elected", "released"]);
    await eventually(() => two.election.isLeader());
    expect(performance.now() - releasedAtMs).toBeLessThan(1_000);
    const lease = await client.get(leases, { namespace, name: "election" });
    expect(lease.spec).toMatchObject({ holderIdentity: "two:2", leaseDurationSeconds: 3 });
    await two.election.release();
  });

  it("refuses the writes of who does not lead", async () => {
    const { election } = candidate("three:3");
    const guarded = client.guardedBy(election.isLeader);
    const refused = guarded.create(configMaps, configMap("guarded", "red"));
    await expect(refused).rejects.toMatchObject({ code: "WRITE_REFUSED" });
    expect((await guarded.list(configMaps, { namespace })).items.length).toBeGreaterThan(0);
  });
});

describe("events", () => {
  it("are written once, and repeated ones as a series", async () => {
    const recorder = new EventRecorder(
      { reportingController: "example.com/painter", reportingInstance: "painter-1" },
      { client, surroundings, metrics },
    );
    const object = await paint("told", "red");
    const event = {
      regarding: {
        apiVersion: "v1",
        kind: "ConfigMap",
        namespace,
        name: "told",
        uid: object.metadata.uid,
      },
      type: "Normal",
      reason: "Painted",
      action: "Paint",
      note: "It is red.",
    } as const;
    recorder.record(event);
    recorder.record(event);
    await recorder.stop();
    const { items } = await client.list(events, { namespace });
    const [written, ...more] = items.filter(({ regarding }) => regarding.name === "told");
    expect(more).toEqual([]);
    expect(written).toMatchObject({ note: "It is red.", series: { count: 2 } });
  });
});
