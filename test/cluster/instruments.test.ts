/** The faults and counts that the campaign stands on, shown on their own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ApiRefusal, type Cluster, startCluster } from "./index.ts";
import { giveBack, oneSeatFlags, takeSeats } from "./one-seat.ts";
import { clusterWideSecrets, grantedTo, unused, wildcards } from "./permissions.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ crds: false, apiServerFlags: oneSeatFlags });
});

afterAll(async () => {
  await cluster.stop();
});

test("with one seat most of many requests at once are refused with 429", async () => {
  // Not of system:masters: those are exempt from every limit.
  const user = await cluster.addUser("crowd");
  const role = ["create", "clusterrole", "crowd", "--verb=list", "--resource=configmaps"];
  await cluster.admin.kubectl(role);
  const binding = ["create", "clusterrolebinding", "crowd", "--clusterrole=crowd", "--user=crowd"];
  await cluster.admin.kubectl(binding);
  const ask = async (): Promise<number> => {
    const path = "/api/v1/namespaces/default/configmaps?limit=500";
    const answers = await Promise.allSettled(Array.from({ length: 60 }, () => user.api.list(path)));
    const refused = answers.filter((it) => it.status === "rejected");
    for (const { reason } of refused) if (!(reason instanceof ApiRefusal)) throw reason;
    return refused.length;
  };
  await eventually(async () => (await ask()) === 0, { timeoutMs: 10_000, what: "a permission" });
  await takeSeats(cluster.admin.api, [{ kind: "User", user: { name: "crowd" } }]);
  await eventually(async () => (await ask()) > 0, { timeoutMs: 10_000, what: "a refusal" });
  await giveBack(cluster.admin.api);
  await eventually(async () => (await ask()) === 0, { timeoutMs: 10_000, what: "no refusal" });
  const statuses = cluster.audit
    .read(({ user: who }) => who.username === "crowd")
    .map(({ responseStatus }) => responseStatus?.code);
  expect(statuses).toContain(200);
  expect(statuses).toContain(429);
});

test("permissions that are never used are named, with wildcards and Secrets everywhere", async () => {
  const account = { namespace: "default", name: "operator" };
  await cluster.addServiceAccount("default", "operator");
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const bind = async (path: string, kind: string, rules: readonly object[]): Promise<void> => {
    const apiVersion = "rbac.authorization.k8s.io/v1";
    const metadata = { name: "operator" };
    await cluster.admin.api.create(`${rbac}/${path}${kind.toLowerCase()}s`, {
      apiVersion,
      kind,
      metadata,
      rules,
    });
    await cluster.admin.api.create(`${rbac}/${path}${kind.toLowerCase()}bindings`, {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: "operator" },
      subjects: [{ kind: "ServiceAccount", ...account }],
    });
  };
  await bind("", "ClusterRole", [
    { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
    { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
    { apiGroups: ["apps"], resources: ["*"], verbs: ["get"] },
  ]);
  await bind("namespaces/default/", "Role", [
    { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create"] },
  ]);
  const token = await cluster.admin.api.create(
    "/api/v1/namespaces/default/serviceaccounts/operator/token",
    { spec: { expirationSeconds: 600 } },
  );
  const operator = cluster.addTokenUser("operator", String(token["status"].token));
  await operator.api.list("/api/v1/pods");
  await operator.api.find("/api/v1/namespaces/default/configmaps/none");
  const granted = await grantedTo(cluster.admin.api, account);
  expect(granted).toEqual([
    "create core/configmaps default",
    "get apps/* *",
    "get core/configmaps default",
    "get core/secrets *",
    "list core/pods *",
    "watch core/pods *",
  ]);
  const events = cluster.audit.read(
    ({ user }) => user.username === "system:serviceaccount:default:operator",
  );
  expect(unused(granted, events)).toEqual([
    "create core/configmaps default",
    "get apps/* *",
    "get core/secrets *",
    "watch core/pods *",
  ]);
  expect(wildcards(granted)).toEqual(["get apps/* *"]);
  expect(clusterWideSecrets(granted)).toEqual(["get core/secrets *"]);
});
