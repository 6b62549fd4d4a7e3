/**
 * Question: what does the operator cost, and how soon does it answer, with no resource and with
 * 10,000 of them? Beside it the informer of `@kubernetes/client-node`, where that does the same
 * work: keeping a copy of the same resources.
 * Method: etcd and kube-apiserver on the same machine, the bundled operator with its own roles;
 * the resources are made while no operator runs, so that the first look at all can be timed. Times
 * of writes are those of the API server's audit log. The small size has 200 resources.
 * Not asked: sidecars (`-- control`), real networks, an API server that others use too.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import {
  type AuditEvent,
  type Cluster,
  installOperator,
  startCluster,
} from "../../cluster/index.ts";
import { leaderOf, type OperatorProcess, startOperator } from "../../cluster/operator-process.ts";
import { collection, contractConfigMap } from "../../cluster/workload.ts";
import { setup as build } from "../../support/build-once.ts";
import { eventually } from "../../support/eventually.ts";
import { capabilityManifest, demandManifest, type Json } from "../../support/manifests.ts";
import { type BenchRow, type BenchRun, type BenchSize, ratio, summarise } from "../report.ts";
import { burstOfEdits, editsToAccepted, forEachOf, quantile } from "./edits.ts";
import type { InformerMessage } from "./informer-process.ts";
import { cpuSeconds, residentMb, restingCpuPercent } from "./process-figures.ts";

const plans: Readonly<Record<BenchSize, Plan>> = {
  small: { resources: 200, edits: 20, burst: 100, restMs: 3_000, hardFailover: false },
  real: { resources: 10_000, edits: 200, burst: 1_000, restMs: 30_000, hardFailover: true },
};

interface Plan {
  /** Half of them Demands, half Capabilities. */
  readonly resources: number;
  /** Edits one after another. */
  readonly edits: number;
  /** Edits within 5 s: `editsOfEach` of a Demand, a few at a time. */
  readonly burst: number;
  readonly restMs: number;
  /** Whether a killed leader is waited for: up to 22 s. */
  readonly hardFailover: boolean;
}

const editsOfEach = 10;
const namespace = "bench";
const timeoutMs = 300_000;
const ours = "operator";
const rival = "client-node informer";

/** Runs the benchmark. */
export const runBench: BenchRun = async (size, progress) => {
  build();
  execFileSync("npm", ["run", "--silent", "bundle"], { stdio: ["ignore", "ignore", "inherit"] });
  const plan = plans[size];
  const rows = new Map<string, BenchRow>();
  const add: Add = (name, system, unit, value) => {
    rows.set(`${name}|${system}`, summarise({ case: name, system, unit }, [value]));
  };
  const cluster = await startCluster();
  try {
    await installOperator(cluster);
    await cluster.addNamespace(namespace);
    await cluster.admin.api.create(
      `/api/v1/namespaces/${namespace}/configmaps`,
      contractConfigMap(),
    );
    const bench = { cluster, plan, add, progress };
    await measureEmpty(bench);
    await createResources(bench);
    await measureFull(bench);
    await measureInformer(bench, plan.resources);
    await measureFailover(bench);
  } finally {
    await cluster.stop();
  }
  return { rows: [...rows.values()], ratios: goalsOf(rows, plan) };
};

type Add = (name: string, system: string, unit: string, value: number) => void;

interface Bench {
  readonly cluster: Cluster;
  readonly plan: Plan;
  readonly add: Add;
  readonly progress: (line: string) => void;
}

function pidOf({ process }: OperatorProcess): number {
  const { pid } = process;
  if (pid === undefined) throw new Error(`the operator has ended:\n${process.log}`);
  return pid;
}

/** The operator as its image has it: in one bundle. */
const bundle = fileURLToPath(new URL("../../../dist/bundle/operator/main.js", import.meta.url));

function start(cluster: Cluster, name: string): Promise<OperatorProcess> {
  return startOperator(cluster, name, bundle);
}

async function measureEmpty(bench: Bench): Promise<void> {
  const { cluster, plan, add, progress } = bench;
  progress("no resource");
  const operator = await start(cluster, "empty");
  await leaderOf([operator]);
  await delay(plan.restMs / 3);
  add("resident, no resource", ours, "MB", residentMb(pidOf(operator)));
  add("at rest, no resource", ours, "% of a core", await atRest(operator, plan));
  await operator.stop();
  await measureInformer(bench, 0);
}

function atRest(operator: OperatorProcess, plan: Plan): Promise<number> {
  return restingCpuPercent(pidOf(operator), plan.restMs);
}

async function createResources({ cluster, plan, progress }: Bench): Promise<void> {
  progress(`making ${plan.resources} resources`);
  const { api } = cluster.admin;
  await forEachOf(plan.resources / 2, 16, async (index) => {
    await api.create(collection(namespace, "demands"), demandManifest(ownBy("demand", index)));
    await api.create(
      collection(namespace, "capabilities"),
      capabilityManifest(ownBy("capability", index)),
    );
  });
}

/** Names and labels of its own for each: what looks the same may be kept in less memory. */
function ownBy(kind: string, index: number): (manifest: Json) => void {
  return ({ metadata, spec }: Json) => {
    metadata.name = `${kind}-${index}`;
    spec.selector = { matchLabels: { app: `program-${kind}-${index}` } };
  };
}

async function measureFull(bench: Bench): Promise<void> {
  const { cluster, plan, add, progress } = bench;
  progress("the first look at all of them");
  const operator = await start(cluster, "full");
  const cpuBefore = cpuSeconds(pidOf(operator));
  // The operator counts them: to read 10,000 objects, or the audit log, is as much work again.
  await eventually(async () => applies(await operator.metrics()) >= plan.resources, {
    timeoutMs,
    intervalMs: 1_000,
    what: "a status of every resource",
  });
  const cpuMicroseconds = (cpuSeconds(pidOf(operator)) - cpuBefore) * 1e6;
  const written = operator.requests(isStatusWrite);
  add("status applies", ours, "/s", ratePerSecond(written));
  add("CPU for each status apply", ours, "µs", cpuMicroseconds / written.length);
  add("writes for each resource", ours, "", operator.requests(isWrite).length / plan.resources);
  await delay(plan.restMs / 3);
  const before = operator.requests(isWrite).length;
  const resident = residentMb(pidOf(operator));
  add(`resident, ${plan.resources} resources`, ours, "MB", resident);
  add(`at rest, ${plan.resources} resources`, ours, "% of a core", await atRest(operator, plan));
  add("writes at rest, besides the Lease", ours, "", operator.requests(isWrite).length - before);
  await measureEdits(bench, operator);
  await operator.stop();
  progress("a start with all of them known");
  const beginMs = performance.now();
  const again = await start(cluster, "again");
  add("start to synced", ours, "ms", performance.now() - beginMs);
  await again.stop();
}

async function measureEdits(bench: Bench, operator: OperatorProcess): Promise<void> {
  const { cluster, plan, add, progress } = bench;
  const { api } = cluster.admin;
  progress(`${plan.edits} edits, one after another`);
  const names = Array.from({ length: plan.edits }, (_, index) => `demand-${index}`);
  const latenciesMs = await editsToAccepted(api, namespace, names);
  add("edit to Accepted, p50", ours, "ms", quantile(latenciesMs, 0.5));
  add("edit to Accepted, p99", ours, "ms", quantile(latenciesMs, 0.99));
  progress(`${plan.burst} edits within 5 s, ${editsOfEach} of each Demand together`);
  const before = reconciles(await operator.metrics());
  const burst = { count: plan.burst, editsOfEach, withinMs: 5_000 };
  add("burst of edits", "API server", "ms", await burstOfEdits(api, namespace, burst));
  const count = reconciles(await operator.metrics()) - before;
  add(`reconciles of ${plan.burst} edits`, ours, "", count);
}

/** Answers to PATCH that were no refusal. */
function applies(metrics: string): number {
  const lines = metrics.matchAll(/^rest_client_requests_total\{([^}]*)\} (\d+)/gm);
  return [...lines]
    .filter(([, labels = ""]) => labels.includes('method="PATCH"') && labels.includes('code="2'))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Demands' alone: a Demand's edit makes others look again too. */
function reconciles(metrics: string): number {
  const lines = metrics.matchAll(/^controller_runtime_reconcile_total\{([^}]*)\} (\d+)/gm);
  return [...lines]
    .filter(([, labels = ""]) => /controller="demand"/i.test(labels))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

async function measureInformer(bench: Bench, resources: number): Promise<void> {
  const { cluster, plan, add } = bench;
  const script = fileURLToPath(new URL("./informer-process.ts", import.meta.url));
  const beginMs = performance.now();
  const informer = fork(script, [cluster.admin.kubeconfig, namespace]);
  try {
    const [message] = (await once(informer, "message")) as [InformerMessage];
    if (message.type !== "synced" || message.objects !== resources) {
      throw new Error(`the informer began with ${JSON.stringify(message)}`);
    }
    const pid = informer.pid ?? 0;
    const many = resources === 0 ? "no resource" : `${resources} resources`;
    if (resources > 0) add("start to synced", rival, "ms", performance.now() - beginMs);
    await delay(plan.restMs / 3);
    add(`resident, ${many}`, rival, "MB", residentMb(pid));
    add(`at rest, ${many}`, rival, "% of a core", await restingCpuPercent(pid, plan.restMs));
  } finally {
    informer.kill("SIGKILL");
  }
}

async function measureFailover({ cluster, plan, add, progress }: Bench): Promise<void> {
  progress("a leader that ends in order, then one that is killed");
  const first = await start(cluster, "first");
  await leaderOf([first]);
  const second = await start(cluster, "second");
  const beginMs = performance.now();
  void first.stop();
  await leaderOf([second]);
  add("failover, SIGTERM", ours, "ms", performance.now() - beginMs);
  if (plan.hardFailover) {
    const third = await start(cluster, "third");
    const killedMs = performance.now();
    await second.kill();
    await eventually(() => third.leads(), { timeoutMs: 60_000, what: "a new leader" });
    add("failover, SIGKILL", ours, "ms", performance.now() - killedMs);
    await third.stop();
  } else {
    await second.stop();
  }
  await first.process.ended;
}

function isWrite({ verb, stage, objectRef }: AuditEvent): boolean {
  const writes = ["create", "update", "patch", "delete"].includes(verb);
  return writes && stage === "ResponseComplete" && ownResource(objectRef?.resource);
}

/** Reviews of tokens and the Lease are no writes about a resource. */
function ownResource(resource: string | undefined): boolean {
  return resource !== "leases" && resource !== "tokenreviews" && resource !== "secrets";
}

function isStatusWrite(event: AuditEvent): boolean {
  return isWrite(event) && event.objectRef?.subresource === "status";
}

function ratePerSecond(events: readonly AuditEvent[]): number {
  const times = events.map(({ stageTimestamp }) => Date.parse(stageTimestamp));
  const spanMs = Math.max(...times.slice(-1)) - Math.min(...times.slice(0, 1));
  return (events.length * 1_000) / spanMs;
}

function goalsOf(rows: ReadonlyMap<string, BenchRow>, { resources, burst, hardFailover }: Plan) {
  const of = (name: string): number => rows.get(`${name}|${ours}`)?.median ?? Number.NaN;
  const empty = of("resident, no resource");
  return [
    ratio("resident, no resource, MB", empty, "<= 130"),
    ratio(`growth at ${resources}, MB`, of(`resident, ${resources} resources`) - empty, "<= 40"),
    ratio("edit to Accepted p99, ms", of("edit to Accepted, p99"), "<= 1000"),
    ratio("start to synced, ms", of("start to synced"), "<= 5000"),
    ratio("status applies/s", of("status applies"), ">= 300"),
    ratio("reconciles ÷ edits", of(`reconciles of ${burst} edits`) / burst, "< 1"),
    ratio("writes at rest", of("writes at rest, besides the Lease"), "<= 0"),
    ratio("failover on SIGTERM, ms", of("failover, SIGTERM"), "<= 3000"),
    ...(hardFailover ? [ratio("failover, hard, ms", of("failover, SIGKILL"), "<= 22000")] : []),
  ];
}
