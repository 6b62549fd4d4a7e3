/** Who is refused what by the admission policies of an installation, in which words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { Json } from "../support/manifests.ts";
import {
  deletionCost,
  deniedBy,
  deputyRefusals,
  podRefusals,
  type PolicyRefusal,
  refusalNamespace,
  refusingPolicies,
  scalingCapability,
} from "../support/policy-refusals.ts";
import {
  type Cluster,
  createOperatorPod,
  createPod,
  installOperator,
  operatorIdentity,
  startCluster,
} from "./index.ts";
import type { User } from "./user.ts";

let cluster: Cluster;

const namespace = refusalNamespace;

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
    "--user=ann",
    "--user=bea",
  ]);
  const scale = ["--verb=update", "--resource=deployments.apps/scale", "--resource-name=workers"];
  await admin(["create", "role", "scaler", "-n", namespace, ...scale]);
  await admin(["create", "rolebinding", "scaler", "-n", namespace, "--role=scaler", "--user=bea"]);
});

afterAll(async () => {
  await cluster.stop();
});

describe("a Capability with scale", () => {
  /** Exactly this, behind the API server's head. */
  const saying = ({ says }: PolicyRefusal) => `${deniedBy(refusingPolicies.deputy)}${says}\n`;

  const apply = async (user: User, manifest: Json) =>
    await user.tryKubectl(["apply", "--server-side", "-f", "-"], manifest);

  test("is refused to an author who may not scale the target, and not to one who may", async () => {
    const ann = await cluster.addUser("ann");
    const bea = await cluster.addUser("bea");
    // A policy takes a moment until it is in force.
    await eventually(
      async () => {
        const { code, stderr } = await apply(ann, scalingCapability());
        if (code === 0) await cluster.admin.kubectl(["delete", "cap", "-n", namespace, "--all"]);
        return stderr.endsWith(saying(deputyRefusals.created));
      },
      { timeoutMs: 15_000, intervalMs: 500, what: "the refusal" },
    );
    expect((await apply(bea, scalingCapability())).stderr).toBe("");
    const other = scalingCapability((it) => {
      it.metadata.name = "other";
      it.spec.scale.targetRef = { kind: "StatefulSet", name: "workers" };
    });
    const refused = await apply(bea, other);
    expect(refused.code).toBe(1);
    expect(refused.stderr.endsWith(saying(deputyRefusals.otherKind)), refused.stderr).toBe(true);
  });

  test("that somebody else made can be labelled and not changed", async () => {
    const ann = await cluster.addUser("ann");
    const object = ["cap", "thumbnailer", "-n", namespace];
    await ann.kubectl(["label", ...object, "team=images"]);
    const patch = JSON.stringify({ spec: { concurrency: 7 } });
    const { stderr } = await ann.tryKubectl(["patch", ...object, "--type=merge", "-p", patch]);
    expect(stderr.endsWith(saying(deputyRefusals.changed)), stderr).toBe(true);
  });

  test("needs no right of its author once scale is taken out", async () => {
    const ann = await cluster.addUser("ann");
    const plain = scalingCapability((it) => {
      it.metadata.name = "plain";
      delete it.spec.scale;
    });
    expect((await apply(ann, plain)).stderr).toBe("");
  });
});

describe("of a pod the operator may change", () => {
  const pod = `/api/v1/namespaces/${namespace}/pods/worker-0`;
  let operator: User;

  beforeAll(async () => {
    ({ user: operator } = await createOperatorPod(cluster, "spillway-operator-0"));
    await createPod(cluster.admin.api, { namespace, name: "worker-0", labels: { app: "worker" } });
  });

  const patch = async (body: object, path = pod): Promise<string> => {
    return await operator.api.merge(path, body).then(
      () => "",
      (error: Error) => error.message,
    );
  };

  const cost = (value: string | null) => ({
    metadata: { annotations: { [deletionCost]: value } },
  });

  test("the cost of its removal, and nothing at all", async () => {
    expect(await patch(cost("-1000"))).toBe("");
    expect(await patch({})).toBe("");
  });

  test("not its status, by its role", async () => {
    const answer = await patch({ status: { phase: "Failed" } }, `${pod}/status`);
    expect(answer).toMatch(/403.*cannot patch resource/s);
    const who = `--serviceaccount=${operatorIdentity.namespace}:${operatorIdentity.serviceAccount}`;
    const grant = ["--verb=patch", "--resource=pods/status", "-n", namespace];
    await cluster.admin.kubectl(["create", "role", "too-much", ...grant]);
    const binding = ["too-much", "--role=too-much", who, "-n", namespace];
    await cluster.admin.kubectl(["create", "rolebinding", ...binding]);
  });

  test.each(podRefusals)("not $name", async ({ body, subresource, says }) => {
    const path = subresource === undefined ? pod : `${pod}/${subresource}`;
    // A policy takes a moment until it is in force, as a role does.
    await eventually(
      async () => {
        const said = `${deniedBy(refusingPolicies.pods)}${says}`;
        expect(await patch(body, path)).toBe(
          `403 Forbidden: pods "worker-0" is forbidden: ${said}`,
        );
        return true;
      },
      { timeoutMs: 15_000, intervalMs: 200 },
    );
  });

  test("the cost, taken out again", async () => {
    expect(await patch(cost(null))).toBe("");
  });
});
