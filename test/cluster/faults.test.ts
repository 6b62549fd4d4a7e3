/**
 * Faults between the operator and its API server, and of the operator itself. Each prints what was
 * expected, what was seen, and how long it took until everything was as it should be. Small sizes
 * here, real ones by `CAMPAIGN=real`.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { writeVerbs } from "./audit-log.ts";
import { boundsMs, campaign, reportFault } from "./fault-report.ts";
import { type Cluster, installOperator, operatorUser, startCluster } from "./index.ts";
import { giveBack, oneSeatFlags, takeSeats } from "./one-seat.ts";
import { leaderOf, type OperatorProcess, startOperator } from "./operator-process.ts";
import { collection, conditionOf, converged, createWorkload, unseen } from "./workload.ts";

const timeoutMs = campaign.stoppedMs + 240_000;

let cluster: Cluster;
let operators: OperatorProcess[] = [];
let namespace = "";
let count = 0;

beforeAll(async () => {
  cluster = await startCluster({ apiServerFlags: oneSeatFlags });
  await installOperator(cluster);
});

afterAll(async () => {
  await cluster.stop();
});

beforeEach(async () => {
  count += 1;
  namespace = `fault-${count}`;
  await cluster.addNamespace(namespace);
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    for (const { process: it } of operators) process.stderr.write(it.log.slice(-5_000));
  }
  for (const it of operators) {
    it.process.thaw();
    await it.stop();
  }
  operators = [];
  if (!cluster.apiServer.isRunning) await cluster.apiServer.start();
  cluster.apiServer.thaw();
  await eventually(async () => await cluster.admin.api.isReady(), { timeoutMs: 60_000 });
  await cluster.admin.api.delete(`/api/v1/namespaces/${namespace}`);
});

/** Starts replicas and a workload, and waits until every object has its status. */
async function settle(replicaCount = 1): Promise<readonly OperatorProcess[]> {
  for (let index = 0; index < replicaCount; index++) {
    operators.push(await startOperator(cluster, `spillway-operator-${count}-${index}`));
  }
  await createWorkload(cluster.admin.api, { namespace, ...campaign });
  await converged(cluster.admin.api, namespace, 60_000);
  return operators;
}

/** The only replica of a test that has one. */
async function settleOne(): Promise<OperatorProcess> {
  const [operator] = await settle();
  if (operator === undefined) throw new Error("no operator");
  return operator;
}

/** Changes the spec of Demands, all of them unless told otherwise: each has a new generation. */
async function editDemands(value: number, editCount = campaign.demandCount): Promise<void> {
  for (let index = 0; index < editCount; index++) {
    const path = `${collection(namespace, "demands")}/demand-${index}`;
    await cluster.admin.api.merge(path, { spec: { maxProviders: 10 + value } });
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

test("the API server is killed and started again", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  operator.supervise();
  await cluster.apiServer.kill();
  await delay(campaign.killedMs);
  await cluster.apiServer.start();
  await editDemands(1);
  const convergedMs = await converged(cluster.admin.api, namespace, 60_000);
  const mayRestart = campaign.killedMs > 10_000;
  reportFault({
    fault: `API server killed, away for ${seconds(campaign.killedMs)}, started again`,
    expected: `every edit seen; restarts of the operator ${mayRestart ? "at most 1" : "0"}`,
    seen: `every edit seen; restarts ${operator.restarts}`,
    convergedMs,
    boundMs: boundsMs.apiServerKilled,
  });
  expect(operator.restarts).toBeLessThanOrEqual(mayRestart ? 1 : 0);
});

test("the API server is stopped and goes on", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  operator.supervise();
  cluster.apiServer.freeze();
  await delay(campaign.stoppedMs);
  cluster.apiServer.thaw();
  await eventually(async () => await cluster.admin.api.isReady(), { timeoutMs: 30_000 });
  await editDemands(2);
  const convergedMs = await converged(cluster.admin.api, namespace, 90_000);
  const losesLease = campaign.stoppedMs > 10_000;
  const expected = losesLease ? "it gives up the lost Lease and is started again" : "no restart";
  reportFault({
    fault: `API server stopped for ${seconds(campaign.stoppedMs)} (SIGSTOP), connections open`,
    expected: `every edit seen; ${expected}`,
    seen: `every edit seen; restarts ${operator.restarts}`,
    convergedMs,
    boundMs: boundsMs.apiServerStopped,
  });
  // Who loses the Lease ends; the one that is started again stays.
  expect(operator.restarts).toBe(losesLease ? 1 : 0);
});

test("etcd is compacted past the watch", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  operator.supervise();
  operator.process.freeze();
  // Past what the operator has seen when its connections end, so that nothing waits in a socket.
  // Few edits, so that it is awake again before its Lease ends.
  await editDemands(1, 30);
  await cluster.apiServer.kill();
  await cluster.apiServer.start();
  await editDemands(3, 30);
  await cluster.admin.api.delete(`${collection(namespace, "demands")}/demand-0`);
  await cluster.compact();
  const thawedAt = new Date().toISOString();
  operator.process.thaw();
  const convergedMs = await converged(cluster.admin.api, namespace, 60_000);
  const relists = operator.requests(
    ({ verb, requestURI, objectRef, requestReceivedTimestamp }) =>
      objectRef?.resource === "demands" &&
      requestReceivedTimestamp > thawedAt &&
      (verb === "list" || requestURI.includes("sendInitialEvents=true")),
  );
  reportFault({
    fault: "etcd compacted past the operator's watches, one Demand deleted meanwhile",
    expected: "a new list instead of the lost watch, every edit seen, same process",
    seen: `every edit seen; Demands listed again ${relists.length} times`,
    convergedMs,
    boundMs: boundsMs.compacted,
  });
  expect(operator.restarts).toBe(0);
  expect(relists.length).toBeGreaterThan(0);
});

test("the API server has one seat for the operator", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  operator.supervise();
  const subject = { kind: "User", user: { name: operatorUser } };
  await takeSeats(cluster.admin.api, [subject]);
  await editDemands(4);
  const convergedMs = await converged(cluster.admin.api, namespace, 120_000);
  await giveBack(cluster.admin.api);
  const refused = operator.requests(({ responseStatus }) => responseStatus?.code === 429);
  reportFault({
    fault: "a FlowSchema of one seat without a queue for the operator",
    expected: "every edit seen while it lasts; refused requests are tried again; no restart",
    seen: `every edit seen; ${refused.length} requests refused with 429; restarts ${operator.restarts}`,
    convergedMs,
    boundMs: boundsMs.oneSeat,
  });
  expect(operator.restarts).toBe(0);
  expect(refused.length).toBeGreaterThan(0);
});

test("somebody else writes the same objects", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  const path = `${collection(namespace, "demands")}/demand-1`;
  const lie = { type: "Accepted", status: "False", reason: "Meddled", message: "no" };
  const lastTransitionTime = new Date(0).toISOString().replace(".000", "");
  const meddle = async (): Promise<void> => {
    await cluster.admin.api.apply(
      `${path}/status`,
      {
        apiVersion: "spillway.dev/v1alpha1",
        kind: "Demand",
        metadata: { name: "demand-1" },
        status: { conditions: [{ ...lie, lastTransitionTime }] },
      },
      "meddler",
    );
  };
  const startedAt = new Date().toISOString();
  const meddleCount = 20;
  for (let index = 0; index < meddleCount; index++) {
    await meddle();
    await delay(50);
  }
  const startedMs = performance.now();
  await eventually(
    async () => conditionOf(await cluster.admin.api.get(path), "Accepted")?.status === "True",
    { timeoutMs: 60_000, what: "the operator's own word" },
  );
  const convergedMs = Math.round(performance.now() - startedMs);
  const writes = operator.requests(
    ({ verb, objectRef, stageTimestamp }) =>
      writeVerbs.has(verb) && objectRef?.name === "demand-1" && stageTimestamp > startedAt,
  );
  reportFault({
    fault: `a second writer takes a Demand's status ${meddleCount} times in 1 s`,
    expected: "the operator's word stands in the end, with no more writes than the other's and 2",
    seen: `it stands; ${writes.length} writes of the operator`,
    convergedMs,
    boundMs: boundsMs.secondWriter,
  });
  expect(writes.length).toBeLessThanOrEqual(meddleCount + 2);
});

test("the leader of two is killed", { timeout: timeoutMs }, async () => {
  const both = await settle(2);
  const leader = await leaderOf(both);
  await leader.kill();
  const startedMs = performance.now();
  await editDemands(5);
  const next = await leaderOf(both);
  const electedMs = performance.now() - startedMs;
  await converged(cluster.admin.api, namespace, 60_000);
  const convergedMs = Math.round(performance.now() - startedMs);
  reportFault({
    fault: "the leader of two operators killed (SIGKILL)",
    expected: "the other one leads within 22 s and has seen every edit",
    seen: `it leads after ${seconds(electedMs)}`,
    convergedMs,
    boundMs: boundsMs.leaderKilled,
  });
  expect(next).not.toBe(leader);
  expect(electedMs).toBeLessThan(22_000);
});

test("the leader of two ends in order", { timeout: timeoutMs }, async () => {
  const both = await settle(2);
  const leader = await leaderOf(both);
  const startedMs = performance.now();
  expect(await leader.stop()).toBe("0");
  const next = await leaderOf(both);
  const electedMs = performance.now() - startedMs;
  await editDemands(6);
  const convergedMs = await converged(cluster.admin.api, namespace, 60_000);
  reportFault({
    fault: "the leader of two operators ended in order (SIGTERM)",
    expected: "the Lease is given back; the other one leads within 3 s",
    seen: `it leads after ${seconds(electedMs)}`,
    convergedMs,
    boundMs: boundsMs.leaderEnded,
  });
  expect(next).not.toBe(leader);
  expect(electedMs).toBeLessThan(3_000);
});

test("the leader of two is stopped for 20 s and goes on", { timeout: timeoutMs }, async () => {
  const both = await settle(2);
  const leader = await leaderOf(both);
  leader.process.freeze();
  const startedMs = performance.now();
  await editDemands(7);
  const next = await leaderOf(both.filter((it) => it !== leader));
  const takenOverAt = new Date().toISOString();
  await converged(cluster.admin.api, namespace, 60_000);
  const convergedMs = Math.round(performance.now() - startedMs);
  await delay(Math.max(0, 20_000 - (performance.now() - startedMs)));
  // What it would wrongly do after waking: say something of these.
  await editDemands(8);
  leader.process.thaw();
  const ended = await Promise.race([leader.process.ended, delay(15_000, "it runs on")]);
  await converged(cluster.admin.api, namespace, 60_000);
  const late = leader.requests(
    ({ verb, requestReceivedTimestamp }) =>
      writeVerbs.has(verb) && requestReceivedTimestamp > takenOverAt,
  );
  reportFault({
    fault: "the leader of two operators stopped for 20 s (SIGSTOP), then continued",
    expected: "the other one takes over; the old one writes nothing more and ends",
    seen:
      `the other one took over; the old one wrote ${late.length} times since (audit log) and ` +
      `ended with ${ended}`,
    convergedMs,
    boundMs: boundsMs.leaderStopped,
  });
  expect(next).not.toBe(leader);
  expect(late.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
  expect(ended).not.toBe("it runs on");
});

test("a permission is missing", { timeout: timeoutMs }, async () => {
  const operator = await settleOne();
  operator.supervise();
  const role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/spillway-operator";
  const { rules } = (await cluster.admin.api.get(role)) as { rules?: { resources: string[] }[] };
  const lesser = rules?.map((rule) => ({
    ...rule,
    resources: rule.resources.filter((it) => it !== "demands/status"),
  }));
  await cluster.admin.api.merge(role, { rules: lesser?.filter((it) => it.resources.length > 0) });
  await editDemands(9);
  const capability = `${collection(namespace, "capabilities")}/capability-0`;
  await cluster.admin.api.merge(capability, { spec: { concurrency: 3 } });
  await eventually(
    async () => !(await unseen(cluster.admin.api, namespace)).includes("capability-0"),
    { timeoutMs: 15_000, what: "the edit of a Capability" },
  );
  const refused = operator.requests(({ responseStatus }) => responseStatus?.code === 403);
  const unseenMeanwhile = (await unseen(cluster.admin.api, namespace)).length;
  await cluster.admin.api.merge(role, { rules });
  const convergedMs = await converged(cluster.admin.api, namespace, 90_000);
  reportFault({
    fault: "the permission to patch demands/status is missing for a while",
    expected: "Capabilities go on; the log names what is missing; Demands follow when it is back",
    seen:
      `a Capability went on, ${unseenMeanwhile} Demands waited, ${refused.length} refusals, ` +
      `restarts ${operator.restarts}`,
    convergedMs,
    boundMs: boundsMs.permissionMissing,
  });
  expect(unseenMeanwhile).toBe(campaign.demandCount);
  expect(operator.process.log).toContain("demands/status");
  expect(operator.restarts).toBe(0);
});
