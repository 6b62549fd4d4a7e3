/** A cluster in which the operator may run: its namespace, roles and policies, its pods. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installation, type OperatorIdentity } from "../../operator/manifests/index.ts";
import type { Cluster } from "./cluster.ts";
import { apiAudience, createPod, type Pod, podToken } from "./pods.ts";
import type { User } from "./user.ts";

/** Who the operator is in these tests. */
export const operatorIdentity: OperatorIdentity = {
  namespace: "spillway-system",
  serviceAccount: "spillway-operator",
};

/** Its name as RBAC and the audit log see it. */
export const operatorUser = `system:serviceaccount:${operatorIdentity.namespace}:${operatorIdentity.serviceAccount}`;

/** Applies what stands in a cluster before the operator starts. */
export async function installOperator(cluster: Cluster): Promise<void> {
  await cluster.addNamespace(operatorIdentity.namespace);
  const list = { apiVersion: "v1", kind: "List", items: installation(operatorIdentity) };
  await cluster.admin.kubectl(["apply", "--server-side", "-f", "-"], list);
}

/** A pod of the operator, and a user with its token. */
export interface OperatorPod {
  readonly pod: Pod;
  readonly user: User;
  /** Of its ServiceAccount, bound to the pod. */
  readonly token: string;
}

/** Makes a pod of the operator in the API; its token names it, so that the audit log does too. */
export async function createOperatorPod(cluster: Cluster, name: string): Promise<OperatorPod> {
  const pod = await createPod(cluster.admin.api, {
    ...operatorIdentity,
    name,
    labels: { app: "spillway-operator" },
    injected: false,
  });
  const token = await podToken(cluster.admin.api, pod, { audience: apiAudience });
  return { pod, user: cluster.addTokenUser(name, token), token };
}

/**
 * Creates a pod of the operator and the folder that its kubelet would mount.
 * @returns the folder, with `token`, `ca.crt` and `namespace`.
 */
export async function createServiceAccountFolder(cluster: Cluster, name: string): Promise<string> {
  const { token } = await createOperatorPod(cluster, name);
  const folder = join(cluster.folder, `${name}.service-account`);
  mkdirSync(folder);
  writeFileSync(join(folder, "token"), token, { mode: 0o600 });
  writeFileSync(join(folder, "ca.crt"), cluster.caPem);
  writeFileSync(join(folder, "namespace"), operatorIdentity.namespace);
  return folder;
}
