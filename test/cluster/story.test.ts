/**
 * The main job in a cluster: the example's own manifests by kubectl, its own programs beside real
 * sidecars with real tokens, two operators. Pods exist in the API only; the test plays their
 * kubelet. The tests are one story, in this order; the output of the last run is its log.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import sharp from "sharp";
import { drawPlain, samples } from "../../examples/thumbnails/draw-samples.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, repository } from "../support/running-folder.ts";
import { socketCall } from "../support/socket-client.ts";
import { type Cluster, createPod, installOperator, startCluster } from "./index.ts";
import { holder, leaderOf, type OperatorProcess, startOperator } from "./operator-process.ts";
import { ServerProcess } from "./server-process.ts";
import { ServiceAddress } from "./service-address.ts";
import { type SidecarProcess, startSidecar } from "./sidecar-process.ts";
import { collection, type Condition, conditionOf } from "./workload.ts";

const namespace = "thumbnails";
const example = join(repository, "examples/thumbnails");
const manifests = ["demand.yaml", "capability.yaml"].flatMap((it) => ["-f", join(example, it)]);

let cluster: Cluster;
let operators: OperatorProcess[] = [];
let control: ServiceAddress;
let web: SidecarProcess | undefined;
let workers: SidecarProcess[] = [];
let programs: ServerProcess[] = [];
let webUrl = "";

/** Says what happened, for whoever reads the output. */
function tell(line: string): void {
  process.stdout.write(`story: ${line}\n`);
}

beforeAll(async () => {
  cluster = await startCluster({ controllers: true });
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  for (const name of ["spillway-operator-0", "spillway-operator-1"]) {
    operators.push(await startOperator(cluster, name));
  }
  control = await ServiceAddress.open(operators.map((it) => it.controlAddress));
});

afterAll(async () => {
  for (const it of programs) await it.stop();
  for (const it of [web, ...workers]) await it?.process.stop();
  await control?.close();
  for (const it of operators) await it.stop();
  operators = [];
  programs = [];
  workers = [];
  await cluster.stop();
});

let earlierFailed = false;

beforeEach(() => {
  if (earlierFailed) throw new Error("an earlier part of the story failed");
});

afterEach(({ task }) => {
  if (task.result?.state !== "fail" || earlierFailed) return;
  earlierFailed = true;
  for (const it of [...operators, web, ...workers]) {
    if (it !== undefined) process.stderr.write(it.process.log.slice(-6_000));
  }
});

/** Reads a condition of the example's Demand or Capability. */
async function condition(
  plural: "demands" | "capabilities",
  type: string,
): Promise<Condition | undefined> {
  const path = `${collection(namespace, plural)}/thumbnails`;
  return conditionOf(await cluster.admin.api.get(path), type);
}

/** Waits until a condition has a status. @returns how long that took, ms. */
async function become(
  plural: "demands" | "capabilities",
  type: string,
  status: Condition["status"],
): Promise<number> {
  const startedMs = performance.now();
  await eventually(
    async () => {
      const seen = await condition(plural, type);
      if (seen?.status === status) return true;
      throw new Error(`it is ${JSON.stringify(seen)}`);
    },
    { timeoutMs: 60_000, what: `${type}=${status} of ${plural}` },
  );
  return Math.round(performance.now() - startedMs);
}

/** Starts a pod in the API, its sidecar, and one of the example's programs beside it. */
async function startApp(
  name: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<SidecarProcess> {
  const labels = { app: `thumbnails-${script}` };
  const pod = await createPod(cluster.admin.api, { namespace, name, labels });
  const sidecar = await startSidecar(cluster, pod, control.address);
  const program = new ServerProcess({
    name,
    program: process.execPath,
    args: [join(example, `${script}.ts`)],
    logFile: join(cluster.folder, `${name}.log`),
    env: { ...env, SPILLWAY_SOCKET: sidecar.appSocket },
    isReady: async () => true,
  });
  await program.start();
  programs.push(program);
  return sidecar;
}

/** Uploads a sample. @returns the answer. @throws {Error} unless it is a thumbnail. */
async function upload(): Promise<Response> {
  const [sample] = samples;
  if (sample === undefined) throw new Error("no sample");
  const body = Buffer.from(await drawPlain(sample));
  const response = await fetch(webUrl, { method: "POST", body });
  if (response.status !== 200) throw new Error(await response.text());
  return response;
}

test("kubectl apply of the example is accepted, and Ready waits for pods", async () => {
  const cli = join(repository, "dist/operator/cli/main.js");
  const contract = execFileSync(process.execPath, [cli, "contract", example]).toString();
  const apply = ["apply", "-n", namespace, "-f", "-", ...manifests];
  tell(await cluster.admin.kubectl(apply, contract));
  await become("demands", "Accepted", "True");
  await become("capabilities", "Accepted", "True");
  expect(await condition("demands", "Ready")).toMatchObject({ status: "False", reason: "NoPods" });
});

test("Ready follows when sidecars with the pods' tokens have what selects them", async () => {
  const port = await freePort();
  webUrl = `http://127.0.0.1:${port}/thumbnails?width=128`;
  web = await startApp("web-0", "web", { PORT: String(port) });
  await eventually(async () => (await condition("demands", "Ready"))?.reason === "NoProviders", {
    timeoutMs: 30_000,
    what: "a Demand that waits for providers alone",
  });
  for (const name of ["worker-0", "worker-1"]) workers.push(await startApp(name, "worker"));
  tell(`Ready of the Demand after ${await become("demands", "Ready", "True")} ms`);
  await become("capabilities", "Ready", "True");
  const path = `${collection(namespace, "demands")}/thumbnails`;
  await eventually(
    async () => (await cluster.admin.api.get(path))["status"]?.connectedProviders === 2,
    { timeoutMs: 40_000, what: "two providers in the status" },
  );
  tell(await cluster.admin.kubectl(["get", "spillway", "-n", namespace, "-o", "wide"]));
});

test("an item flows from the web program through both sidecars to a worker and back", async () => {
  const answer = await eventually(upload, { timeoutMs: 20_000, what: "a thumbnail" });
  const { width } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  expect(width).toBe(128);
  tell(`a thumbnail, ${width} wide, made by ${answer.headers.get("thumbnail-made-by")}`);
});

/** Changes the Demand by kubectl and waits until the web's sidecar serves it. */
async function changeAndServe(desiredProviders: number): Promise<number> {
  const path = `${collection(namespace, "demands")}/thumbnails`;
  const { spec } = await cluster.admin.api.get(path);
  const changed = {
    apiVersion: "spillway.dev/v1alpha1",
    kind: "Demand",
    metadata: { name: "thumbnails" },
    spec: { ...(spec as object), desiredProviders },
  };
  await cluster.admin.kubectl(["apply", "-n", namespace, "-f", "-"], changed);
  const startedMs = performance.now();
  await eventually(
    async () => {
      const answer = await socketCall(web?.appSocket ?? "", { path: "/v1/demands/thumbnails" });
      const demand = JSON.parse(answer.text) as { desiredProviders: number };
      return demand.desiredProviders === desiredProviders;
    },
    { timeoutMs: 30_000, intervalMs: 10, what: "the change at the sidecar" },
  );
  return Math.round(performance.now() - startedMs);
}

test("what kubectl apply changed is served within a second", async () => {
  const tookMs = await changeAndServe(1);
  tell(`a changed Demand is served ${tookMs} ms after kubectl apply`);
  expect(tookMs).toBeLessThan(1_000);
});

test("a new leader serves what kubectl apply changes within a second, items flow meanwhile", async () => {
  const leader = await leaderOf(operators);
  await leader.stop();
  const startedMs = performance.now();
  const next = await leaderOf(operators);
  tell(`${next.name} leads ${Math.round(performance.now() - startedMs)} ms after ${leader.name}`);
  // The first change finds sidecars on their way to the new leader.
  const [firstMs] = await Promise.all([changeAndServe(2), upload()]);
  const againMs = await changeAndServe(1);
  tell(`the new leader serves a change after ${firstMs} ms, the next one after ${againMs} ms`);
  expect(firstMs).toBeLessThan(1_000);
  expect(againMs).toBeLessThan(1_000);
  expect(await holder(cluster)).toBe(next.controlAddress);
  expect(await condition("demands", "Ready")).toMatchObject({ status: "True" });
});

test("a sidecar that is started again while no operator is there works as before", async () => {
  for (const it of operators) await it.kill();
  const [worker] = workers;
  if (worker === undefined) throw new Error("no worker");
  await worker.process.kill();
  await worker.start();
  await workers[1]?.process.kill();
  const what = "a thumbnail by the worker that came back";
  await eventually(upload, { timeoutMs: 60_000, what });
  tell("a thumbnail by a worker whose sidecar was started again without an operator");
  operators = [await startOperator(cluster, "spillway-operator-2")];
  control.forwardTo(operators.map((it) => it.controlAddress));
  // Nobody gave the Lease back, so that it has to run out first.
  const startedMs = performance.now();
  const leader = await leaderOf(operators);
  tell(`${leader.name} leads after ${Math.round(performance.now() - startedMs)} ms`);
  tell(`the change made after that is served after ${await changeAndServe(2)} ms`);
});

test("Ready is False when the last sidecar is killed, of providers and then of queues", async () => {
  await become("demands", "Ready", "True");
  for (const it of workers) await it.process.kill();
  tell(`Ready False ${await become("demands", "Ready", "False")} ms after the last provider`);
  expect(await condition("demands", "Ready")).toMatchObject({ reason: "NoProviders" });
  await web?.process.kill();
  const startedMs = performance.now();
  // A sidecar that comes back at once is no outage: this one is given up after its report is due.
  await eventually(async () => (await condition("demands", "Ready"))?.reason === "ReportsStale", {
    timeoutMs: 60_000,
    what: "reports that are stale",
  });
  tell(`ReportsStale ${Math.round(performance.now() - startedMs)} ms after the last sidecar`);
  await become("capabilities", "Ready", "False");
  tell(await cluster.admin.kubectl(["get", "spillway", "-n", namespace]));
});
