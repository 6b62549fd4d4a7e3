/**
 * The operator's roles are minimal: everything it does is provoked once, then what the roles grant
 * is held against what the audit log shows as used. The API server streams no lists here, so that
 * the operator's other way of listing is shown as well.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeAuthority } from "../../operator/control/authority-state.ts";
import { createAuthority } from "../../sidecar/runtime/certificate.ts";
import { eventually } from "../support/eventually.ts";
import { capabilityManifest, demandManifest } from "../support/manifests.ts";
import { socketCall } from "../support/socket-client.ts";
import type { ApiObject } from "./api-client.ts";
import {
  type Cluster,
  createPod,
  installOperator,
  operatorIdentity,
  operatorUser,
  runPod,
  startCluster,
} from "./index.ts";
import { leaderOf, type OperatorProcess, startOperator } from "./operator-process.ts";
import { clusterWideSecrets, grantedTo, unused, wildcards } from "./permissions.ts";
import { type SidecarProcess, startSidecar } from "./sidecar-process.ts";
import { collection, conditionOf, contractConfigMap } from "./workload.ts";

const namespace = "audit";
const dayMs = 86_400_000;

let cluster: Cluster;
let operator: OperatorProcess;
let web: SidecarProcess;
const sidecars = new Map<string, SidecarProcess>();

/** The two routes of this test: which kind of target each scales, and what it answers with. */
const routes = [
  { name: "deployed", kind: "Deployment", response: "images.v1.Thumbnail" },
  { name: "stateful", kind: "StatefulSet", response: "images.v1.Unused" },
] as const;

beforeAll(async () => {
  cluster = await startCluster({
    controllers: true,
    apiServerFlags: { "feature-gates": "WatchList=false" },
  });
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  operator = await startOperator(cluster, "spillway-operator-0");
});

afterAll(async () => {
  for (const it of [web, ...sidecars.values()]) await it?.process.stop();
  await operator?.stop();
  await cluster.stop();
});

/** Demand, Capability with scale, and the target, of each route. */
async function applyRoutes(): Promise<void> {
  const contract = contractConfigMap() as ApiObject;
  const unlabelled = { ...contract, metadata: { name: "unlabelled" } };
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  await cluster.admin.api.create(path, contract);
  await cluster.admin.api.create(path, unlabelled);
  for (const { name, kind, response } of routes) {
    // One contract is watched by its label, the other one is read by its name.
    const map = kind === "Deployment" ? "images" : "unlabelled";
    const demand = demandManifest((it) => {
      it.metadata.name = name;
      it.spec.contract.response = response;
      it.spec.contract.schema.configMapRef.name = map;
    });
    const capability = capabilityManifest((it) => {
      it.metadata.name = name;
      it.spec.contract = demand.spec.contract;
      it.spec.selector = { matchLabels: { app: name } };
      it.spec.scale = {
        targetRef: { kind, name },
        minReplicas: 1,
        maxReplicas: 3,
        itemsPerReplica: 1,
        idleAfter: "1s",
        stabilization: "1s",
      };
    });
    const labels = { app: name, "spillway.dev/injected": "true" };
    const target = {
      apiVersion: "apps/v1",
      kind,
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        ...(kind === "StatefulSet" ? { serviceName: name, podManagementPolicy: "Parallel" } : {}),
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "app", image: "localhost/app:1" }] },
        },
      },
    };
    const list = { apiVersion: "v1", kind: "List", items: [demand, capability, target] };
    await cluster.admin.kubectl(["apply", "-n", namespace, "-f", "-"], list);
  }
}

/** Plays the kubelet: a sidecar for each pod of the targets, none for those that are gone. */
async function tendPods(): Promise<void> {
  const pods = await cluster.admin.api.list(`/api/v1/namespaces/${namespace}/pods`);
  const living = new Set(pods.map(({ metadata }) => metadata.uid));
  for (const [uid, sidecar] of sidecars) {
    if (living.has(uid)) continue;
    sidecars.delete(uid);
    await sidecar.process.stop();
  }
  for (const { metadata } of pods) {
    const { name, uid = "" } = metadata;
    if (sidecars.has(uid) || uid === web.pod.uid) continue;
    const pod = { namespace, name, uid, serviceAccount: "default" };
    await runPod(cluster.admin.api, pod);
    sidecars.set(uid, await startSidecar(cluster, pod, operator.controlAddress));
  }
}

/** Waits until both targets have so many replicas, with a sidecar for each. */
async function scaledTo(replicas: number): Promise<void> {
  await eventually(
    async () => {
      await tendPods();
      for (const { name, kind } of routes) {
        const plural = kind === "Deployment" ? "deployments" : "statefulsets";
        const path = `/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`;
        const { spec, status } = await cluster.admin.api.get(path);
        const seen = { wanted: spec.replicas, there: status.replicas ?? 0 };
        if (seen.wanted === replicas && seen.there === replicas) continue;
        const capability = await cluster.admin.api.get(
          `${collection(namespace, "capabilities")}/${name}`,
        );
        const says = JSON.stringify(conditionOf(capability, "Progressing"));
        throw new Error(`${name} has ${JSON.stringify(seen)}: ${says}`);
      }
      return true;
    },
    { timeoutMs: 90_000, intervalMs: 250, what: `${replicas} replicas of each target` },
  );
}

/** Adds items to both queues. @returns their tickets. */
async function addItems(count: number): Promise<string[]> {
  const tickets: string[] = [];
  for (const { name } of routes) {
    for (let index = 0; index < count; index++) {
      const headers = { "content-type": "application/json" };
      const call = { method: "POST", path: `/v1/demands/${name}/items`, headers, body: "{}" };
      const { status, text } = await socketCall(web.appSocket, call);
      expect([status, text]).toEqual([202, text]);
      tickets.push((JSON.parse(text) as { ticket: string }).ticket);
    }
  }
  return tickets;
}

async function cancelItems(tickets: readonly string[]): Promise<void> {
  for (const ticket of tickets) {
    await socketCall(web.appSocket, { method: "DELETE", path: `/v1/items/${ticket}` });
  }
}

/** Ends the first operator and starts another one, whose authority is due for replacement. */
async function replaceOperator(): Promise<void> {
  await operator.stop();
  const nowMs = Date.now() - 300 * dayMs;
  const name = { clusterId: "cluster", nowMs, validForMs: 365 * dayMs };
  const state = {
    current: await createAuthority(name),
    announcementSecret: randomBytes(32).toString("base64"),
  };
  const data = Object.entries(encodeAuthority(state)).map(
    ([key, text]) => [key, Buffer.from(text).toString("base64")] as const,
  );
  const secrets = `/api/v1/namespaces/${operatorIdentity.namespace}/secrets`;
  await cluster.admin.api.merge(`${secrets}/spillway-authority`, {
    data: Object.fromEntries(data),
  });
  operator = await startOperator(cluster, "spillway-operator-1");
  await leaderOf([operator]);
  await eventually(
    async () => {
      const secret = await cluster.admin.api.get(`${secrets}/spillway-authority`);
      return secret["data"]["next.crt"] !== undefined;
    },
    { timeoutMs: 10_000, what: "the next authority" },
  );
}

test("the roles grant what the operator uses, and nothing else", { timeout: 400_000 }, async () => {
  await leaderOf([operator]);
  await applyRoutes();
  const pod = await createPod(cluster.admin.api, {
    namespace,
    name: "web-0",
    labels: { app: "web" },
  });
  web = await startSidecar(cluster, pod, operator.controlAddress);
  await scaledTo(1);
  // Twice, since the same event said again is a patch.
  for (let round = 0; round < 2; round++) {
    const tickets = await addItems(3);
    await scaledTo(3);
    await cancelItems(tickets);
    await scaledTo(1);
  }
  await replaceOperator();
  const account = { ...operatorIdentity, name: operatorIdentity.serviceAccount };
  const granted = await grantedTo(cluster.admin.api, account);
  const events = cluster.audit.read(({ user }) => user.username === operatorUser);
  const refused = events.filter(({ responseStatus }) => responseStatus?.code === 403);
  process.stdout.write(
    `audit: ${granted.length} permissions granted, ${events.length} requests, ` +
      `${refused.length} refused\n${granted.map((it) => `audit:   ${it}`).join("\n")}\n`,
  );
  expect(unused(granted, events)).toEqual([]);
  expect(wildcards(granted)).toEqual([]);
  expect(clusterWideSecrets(granted)).toEqual([]);
  expect(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
});
