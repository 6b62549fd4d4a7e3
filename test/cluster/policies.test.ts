/** Who is refused what by the admission policies of an installation, in which words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { capabilityManifest, type Json } from "../support/manifests.ts";
import {
  type Cluster,
  createOperatorPod,
  createPod,
  installOperator,
  startCluster,
} from "./index.ts";
import type { User } from "./user.ts";

let cluster: Cluster;

const namespace = "policies";

/** A Capability that scales a Deployment. */
const scaling = (change: (manifest: Json) => void = () => {}): Json =>
  capabilityManifest((it) => {
    it.metadata.namespace = namespace;
    const targetRef = { kind: "Deployment", name: "workers" };
    it.spec.scale = { targetRef, maxReplicas: 5 };
    change(it);
  });

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  await cluster.addNamespace(namespace);
  const admin = async (args: readonly string[]): Promise<string> =>
    await cluster.admin.kubectl(args);
  const verbs = "--verb=get,list,create,update,patch,delete";
  await admin(["create", "clusterrole", "author", verbs, "--resource=capabilities.spillway.dev"]);
  await admin([
    "create",
    "clusterrolebinding",
    "author",
    "--clusterrole=author",
    "--user=author",
    "--user=deputy",
  ]);
  const scale = ["--verb=update", "--resource=deployments.apps/scale", "--resource-name=workers"];
  await admin(["create", "role", "scaler", "-n", namespace, ...scale]);
  await admin([
    "create",
    "rolebinding",
    "scaler",
    "-n",
    namespace,
    "--role=scaler",
    "--user=deputy",
  ]);
});

afterAll(async () => {
  await cluster.stop();
});

describe("a Capability with scale", () => {
  const refusal = (kind: string, name: string, user: string): string =>
    `spec.scale.targetRef: ${user} may not update ${kind}/scale of ${name} in namespace ` +
    `${namespace}, and so may not have it scaled; ask for that right or take out spec.scale`;

  const apply = async (user: User, manifest: Json) =>
    await user.tryKubectl(["apply", "--server-side", "-f", "-"], manifest);

  test("is refused to an author who may not scale the target, and not to one who may", async () => {
    const author = await cluster.addUser("author");
    const deputy = await cluster.addUser("deputy");
    // A policy takes a moment until it is in force.
    await eventually(
      async () => {
        const { code, stderr } = await apply(author, scaling());
        if (code === 0) await cluster.admin.kubectl(["delete", "cap", "-n", namespace, "--all"]);
        return stderr.includes(refusal("deployments", "workers", "author"));
      },
      { timeoutMs: 15_000, intervalMs: 500, what: "the refusal" },
    );
    expect((await apply(deputy, scaling())).stderr).toBe("");
    const other = scaling((it) => {
      it.metadata.name = "other";
      it.spec.scale.targetRef = { kind: "StatefulSet", name: "workers" };
    });
    expect((await apply(deputy, other)).stderr).toContain(
      refusal("statefulsets", "workers", "deputy"),
    );
  });

  test("that somebody else made can be labelled and not changed", async () => {
    const author = await cluster.addUser("author");
    const object = ["cap", "thumbnailer", "-n", namespace];
    await author.kubectl(["label", ...object, "team=images"]);
    const patch = JSON.stringify({ spec: { concurrency: 7 } });
    const { stderr } = await author.tryKubectl(["patch", ...object, "--type=merge", "-p", patch]);
    expect(stderr).toContain(refusal("deployments", "workers", "author"));
  });

  test("needs no right of its author once scale is taken out", async () => {
    const author = await cluster.addUser("author");
    const plain = scaling((it) => {
      it.metadata.name = "plain";
      delete it.spec.scale;
    });
    expect((await apply(author, plain)).stderr).toBe("");
  });
});

describe("of a pod the operator may change", () => {
  const cost = "controller.kubernetes.io/pod-deletion-cost";
  let operator: User;

  beforeAll(async () => {
    ({ user: operator } = await createOperatorPod(cluster, "spillway-operator-0"));
    await createPod(cluster.admin.api, { namespace, name: "worker-0", labels: { app: "worker" } });
  });

  const patch = async (body: object): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace}/pods/worker-0`;
    return await operator.api.merge(path, body).then(
      () => "",
      (error: Error) => error.message,
    );
  };

  const annotations = (change: object): object => ({ metadata: { annotations: change } });

  test.each([
    ["the cost of its removal", annotations({ [cost]: "-1000" }), ""],
    ["nothing at all", {}, ""],
    [
      "no other cost",
      annotations({ [cost]: "5" }),
      `the operator may set ${cost} to -1000 only, or take it out`,
    ],
    [
      "no other annotation",
      annotations({ note: "x" }),
      `of a pod's annotations the operator may change only ${cost}`,
    ],
    [
      "no label",
      { metadata: { labels: { app: "other" } } },
      "the operator may not change labels, owners or finalizers of a pod",
    ],
    [
      "no finalizer",
      { metadata: { finalizers: ["spillway.dev/keep"] } },
      "the operator may not change labels, owners or finalizers of a pod",
    ],
    [
      "no deadline",
      { spec: { activeDeadlineSeconds: 60 } },
      "the operator may not change the spec of a pod",
    ],
    ["the cost, taken out again", annotations({ [cost]: null }), ""],
  ])("%s", async (_name, body, refusal) => {
    // The first row is tried before the policy is in force; the others wait for it.
    await eventually(
      async () => {
        const answer = await patch(body);
        if (refusal === "") expect(answer).toBe("");
        else expect(answer).toContain(refusal);
        return true;
      },
      { timeoutMs: 15_000, intervalMs: 200 },
    );
  });

  test("not its status, by its role", async () => {
    const path = `/api/v1/namespaces/${namespace}/pods/worker-0/status`;
    await expect(operator.api.merge(path, { status: { phase: "Failed" } })).rejects.toThrow(/403/);
  });
});
