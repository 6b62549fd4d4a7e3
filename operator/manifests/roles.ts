/**
 * What the operator may do: each verb that it uses and no other. No wildcard; Secrets in its own
 * namespace only, and there by name.
 */
import { apiGroup } from "../schema/index.ts";
import type { Manifest, OperatorIdentity } from "./manifest.ts";

/** A rule of RBAC. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Names of the objects that the operator keeps in its own namespace. */
export const ownObjects = {
  /** The Lease of the leader. */
  lease: "spillway-operator",
  /** The Secret with the authority's key. */
  authority: "spillway-authority",
  /** The ConfigMap that injection reads, with the key `trustBundle`. */
  injection: "spillway-injection",
} as const;

/** What it needs in every namespace that it watches. */
export const watchedRules: readonly PolicyRule[] = [
  {
    apiGroups: [apiGroup],
    resources: ["demands", "capabilities"],
    verbs: ["list", "watch"],
  },
  {
    apiGroups: [apiGroup],
    resources: ["demands/status", "capabilities/status"],
    verbs: ["patch"],
  },
  // patch: the annotation pod-deletion-cost and nothing else; operatorPodPolicy sees to it.
  { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "patch"] },
  // Contracts. Watched by label, read by name where the label is missing.
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] },
  {
    apiGroups: ["apps"],
    resources: ["deployments/scale", "statefulsets/scale"],
    verbs: ["get", "patch"],
  },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
];

/** What belongs to the cluster and to no namespace. */
export const clusterRules: readonly PolicyRule[] = [
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
];

/** What it needs in its own namespace. RBAC cannot bind `create` to a name. */
export const ownRules: readonly PolicyRule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: [ownObjects.lease],
    verbs: ["get", "update"],
  },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
  {
    apiGroups: [""],
    resources: ["secrets"],
    resourceNames: [ownObjects.authority],
    verbs: ["get", "update"],
  },
  {
    apiGroups: [""],
    resources: ["configmaps"],
    resourceNames: [ownObjects.injection],
    // Applied: the first one creates it, under this name.
    verbs: ["create", "patch"],
  },
];

/** ServiceAccount, roles and bindings of an operator that watches every namespace. */
export function operatorAccess({ namespace, serviceAccount: name }: OperatorIdentity): Manifest[] {
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const rbac = "rbac.authorization.k8s.io";
  const metadata = { name, namespace };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: { name },
      rules: [...clusterRules, ...watchedRules],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
      subjects,
    },
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata, rules: ownRules },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects,
    },
  ];
}
