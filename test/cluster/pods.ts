/**
 * Pods in the API where no kubelet is: a test plays the kubelet and says what became of them. Their
 * ServiceAccount tokens are real, bound to the pod, as a projected volume would hold them.
 */
import type { ApiClient } from "./api-client.ts";

/** What a pod is made of. */
export interface PodOptions {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** @default "default" */
  readonly serviceAccount?: string;
  /** Machine it was placed on; nothing runs there. @default "kube-node-1" */
  readonly nodeName?: string;
  /** Whether injection gave it a sidecar: the label `spillway.dev/injected`. @default true */
  readonly injected?: boolean;
  /** Whether its containers run; otherwise it stays Pending. @default true */
  readonly running?: boolean;
}

/** A pod that exists in the API. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
}

/** Audience of the tokens that sidecars present. */
export const audience = "spillway.dev";

/** Audience of the tokens that the API server itself takes: its own issuer. */
export const apiAudience = "https://kubernetes.default.svc.cluster.local";

const path = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/pods/${name}`;

/** Creates a pod and plays its kubelet. */
export async function createPod(api: ApiClient, options: PodOptions): Promise<Pod> {
  const { namespace, name, labels, annotations, injected = true, running = true } = options;
  const { serviceAccount = "default", nodeName = "kube-node-1" } = options;
  const marks = injected ? { "spillway.dev/injected": "true" } : {};
  const containers = [{ name: "app", image: "localhost/app:1" }];
  const sidecar = { name: "spillway", image: "localhost/spillway:1", restartPolicy: "Always" };
  const created = await api.create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { ...labels, ...marks }, annotations },
    spec: {
      serviceAccountName: serviceAccount,
      nodeName,
      containers,
      initContainers: injected ? [sidecar] : [],
    },
  });
  const pod = { namespace, name, uid: created.metadata.uid ?? "", serviceAccount };
  if (running) await runPod(api, pod);
  return pod;
}

/** Says that a pod's containers run and are ready, as its kubelet would. */
export async function runPod(api: ApiClient, pod: Pod): Promise<void> {
  const startedAt = new Date().toISOString();
  const status = { ready: true, started: true, restartCount: 0, imageID: "" };
  const container = (name: string): object => ({
    ...status,
    name,
    image: `localhost/${name}:1`,
    state: { running: { startedAt } },
  });
  await api.merge(`${path(pod.namespace, pod.name)}/status`, {
    status: {
      phase: "Running",
      startTime: startedAt,
      podIP: "127.0.0.1",
      podIPs: [{ ip: "127.0.0.1" }],
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: startedAt }],
      initContainerStatuses: [container("spillway")],
      containerStatuses: [container("app")],
    },
  });
}

/** Removes a pod at once. */
export async function deletePod(api: ApiClient, pod: Pod): Promise<void> {
  await api.delete(path(pod.namespace, pod.name));
}

/** What a token is asked for. */
export interface PodTokenOptions {
  /** @default "spillway.dev" */
  readonly audience?: string;
  /** Life, s, at least 600. @default 3,600 */
  readonly expirationSeconds?: number;
}

/** @returns a token of the pod's ServiceAccount that is bound to the pod. */
export async function podToken(
  api: ApiClient,
  pod: Pod,
  options: PodTokenOptions = {},
): Promise<string> {
  const { expirationSeconds = 3_600 } = options;
  const { namespace, serviceAccount, name, uid } = pod;
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}`;
  const answer = await api.create(`${account}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      audiences: [options.audience ?? audience],
      expirationSeconds,
      boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
    },
  });
  return String(answer["status"].token);
}
