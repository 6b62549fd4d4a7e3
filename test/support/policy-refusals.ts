/**
 * What the admission policies of an installation refuse, in the API server's words. test/cluster
 * asks a real API server for each, test/unit holds them against the policies, `npm run docs` makes
 * a page of them.
 */
import { capabilityManifest, type Json } from "./manifests.ts";

/** A policy's refusal. */
export interface PolicyRefusal {
  /** What was asked for and by whom. */
  readonly name: string;
  /** What the API server says after `deniedBy`. */
  readonly says: string;
}

/** Namespace of the rows. */
export const refusalNamespace = "shop";

/** Names of the policies; their bindings have the same. */
export const refusingPolicies = {
  deputy: "capability-scale.spillway.dev",
  pods: "operator-pods.spillway.dev",
} as const;

/** How the API server begins what a policy says. */
export function deniedBy(policy: string): string {
  return `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: `;
}

const mayNotScale = (user: string, kind: string): string =>
  `spec.scale.targetRef: ${user} may not update ${kind}/scale of workers in namespace ` +
  `${refusalNamespace}, and so may not have it scaled; ask for that right or take out spec.scale`;

/** A Capability that scales the Deployment `workers`. */
export function scalingCapability(change: (manifest: Json) => void = () => {}): Json {
  return capabilityManifest((it) => {
    it.metadata.namespace = refusalNamespace;
    const targetRef = { kind: "Deployment", name: "workers" };
    it.spec.scale = { targetRef, maxReplicas: 5 };
    change(it);
  });
}

/** Ann may write Capabilities; bea also scale the Deployment `workers`. */
export const deputyRefusals = {
  created: {
    name: "a Capability with `scale`, made by ann, who may not scale its Deployment",
    says: mayNotScale("ann", "deployments"),
  },
  otherKind: {
    name: "one for a StatefulSet, made by bea, who may scale the Deployment of that name alone",
    says: mayNotScale("bea", "statefulsets"),
  },
  changed: {
    name: "a change of the spec by ann where bea made it; labels may be changed",
    says: mayNotScale("ann", "deployments"),
  },
} as const satisfies Readonly<Record<string, PolicyRefusal>>;

/** A patch of a pod that the operator sends. */
export interface RefusedPatch extends PolicyRefusal {
  readonly body: object;
  /** @default the pod itself */
  readonly subresource?: "status";
}

/** The annotation that the operator may write. */
export const deletionCost = "controller.kubernetes.io/pod-deletion-cost";

/** Whatever the operator's role allows, of a pod it may change one annotation. */
export const podRefusals: readonly RefusedPatch[] = [
  {
    name: "another cost of removal",
    body: { metadata: { annotations: { [deletionCost]: "5" } } },
    says: `the operator may set ${deletionCost} to -1000 only, or take it out`,
  },
  {
    name: "another annotation",
    body: { metadata: { annotations: { note: "x" } } },
    says: `of a pod's annotations the operator may change only ${deletionCost}`,
  },
  {
    name: "a label",
    body: { metadata: { labels: { app: "other" } } },
    says: "the operator may not change labels, owners or finalizers of a pod",
  },
  {
    name: "a finalizer",
    body: { metadata: { finalizers: ["spillway.dev/keep"] } },
    says: "the operator may not change labels, owners or finalizers of a pod",
  },
  {
    name: "a field of the spec",
    body: { spec: { activeDeadlineSeconds: 60 } },
    says: "the operator may not change the spec of a pod",
  },
  {
    name: "the status, had its role allowed it",
    subresource: "status",
    body: { status: { phase: "Failed" } },
    says: "the operator may not change the status of a pod",
  },
];
