/** What the other cluster tests stand on. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ApiRefusal, type Cluster, createPod, podToken, startCluster } from "./index.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ controllers: true });
});

afterAll(async () => {
  await cluster.stop();
});

test("kubectl talks to a 1.36 API server as an administrator", async () => {
  const version = JSON.parse(await cluster.admin.kubectl(["version", "-o", "json"])) as {
    serverVersion: { gitVersion: string };
  };
  expect(version.serverVersion.gitVersion).toMatch(/^v1\.36\./);
});

test("a user without roles is refused, and the audit log has it", async () => {
  const user = await cluster.addUser("nobody");
  await expect(user.api.get("/api/v1/namespaces/default/pods")).rejects.toThrow(ApiRefusal);
  const seen = await eventually(() => {
    const [event] = cluster.audit.read(({ user: who }) => who.username === "nobody");
    return event;
  });
  expect(seen).toMatchObject({ verb: "list", responseStatus: { code: 403 } });
});

test("a pod's token names its pod, and only to its audience", async () => {
  await cluster.addNamespace("tokens");
  const pod = await createPod(cluster.admin.api, { namespace: "tokens", name: "web-0" });
  const token = await podToken(cluster.admin.api, pod);
  const review = async (audience: string): Promise<object> => {
    const answer = await cluster.admin.api.create("/apis/authentication.k8s.io/v1/tokenreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [audience] },
    });
    return answer["status"] as object;
  };
  expect(await review("spillway.dev")).toMatchObject({
    authenticated: true,
    user: {
      username: "system:serviceaccount:tokens:default",
      extra: {
        "authentication.kubernetes.io/pod-name": ["web-0"],
        "authentication.kubernetes.io/pod-uid": [pod.uid],
        "authentication.kubernetes.io/node-name": ["kube-node-1"],
      },
    },
  });
  expect(await review("elsewhere")).not.toMatchObject({ authenticated: true });
  await expect(cluster.addTokenUser("web-0", token).api.get("/api")).rejects.toThrow(/401/);
});

test("a Deployment gets its pods from kube-controller-manager", async () => {
  const labels = { app: "worker" };
  await cluster.admin.kubectl(["apply", "-f", "-"], {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "worker", namespace: "default" },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "app", image: "localhost/app:1" }] },
      },
    },
  });
  await eventually(
    async () => (await cluster.admin.api.list("/api/v1/namespaces/default/pods")).length === 2,
    { timeoutMs: 15_000, what: "two pods" },
  );
});

test("a list can be streamed: the store reports its progress", async () => {
  const path =
    "/api/v1/namespaces?watch=1&sendInitialEvents=true&allowWatchBookmarks=true" +
    "&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
  const text = await cluster.admin.kubectl(["get", "--raw", path]);
  expect(text).toContain("k8s.io/initial-events-end");
});

test("objects outlive an API server that is killed, frozen and started again", async () => {
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" } };
  const path = "/api/v1/namespaces/default/configmaps";
  await cluster.admin.api.create(path, config);
  await cluster.apiServer.kill();
  expect(cluster.apiServer.isRunning).toBe(false);
  await expect(cluster.admin.api.get(`${path}/kept`)).rejects.toThrow();
  await cluster.apiServer.start();
  expect((await cluster.admin.api.get(`${path}/kept`)).metadata.name).toBe("kept");
  cluster.apiServer.freeze();
  await expect(cluster.admin.api.isReady()).rejects.toThrow();
  cluster.apiServer.thaw();
  await eventually(async () => await cluster.admin.api.isReady(), { timeoutMs: 10_000 });
});

test("a compacted store refuses a watch from before", async () => {
  const path = "/api/v1/namespaces/default/configmaps";
  const { metadata } = await cluster.admin.api.get(path);
  const create = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "later" } };
  await cluster.admin.api.create(path, create);
  await cluster.compact();
  await cluster.apiServer.kill();
  await cluster.apiServer.start();
  const old = `${path}?watch=1&timeoutSeconds=1&resourceVersion=${metadata.resourceVersion}`;
  expect(await cluster.admin.kubectl(["get", "--raw", old])).toContain('"code":410');
});

test("a stopped cluster leaves neither processes nor files", async () => {
  const own = await startCluster({ crds: false });
  const pids = [own.etcd.pid, own.apiServer.pid].map(Number);
  await own.stop();
  expect(existsSync(own.folder)).toBe(false);
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
});
