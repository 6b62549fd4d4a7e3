/** The kinds that are read here, as far as they are looked at. */
import { type ApiObject, leases, resourceType } from "../runtime/index.ts";
import { apiGroup } from "../schema/index.ts";
import type { InstalledBinding, InstalledPolicy } from "./policy-checks.ts";

/** A pod. Source: Kubernetes API, `core/v1` Pod. */
export interface Pod extends ApiObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A ConfigMap. */
export interface ConfigMap extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A CustomResourceDefinition, as far as it is compared. */
export interface InstalledDefinition extends ApiObject {
  readonly spec?: {
    readonly versions?: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: unknown };
    }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const admission = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  namespaced: false,
} as const;
const core = { group: "", version: "v1" } as const;
const own = { group: apiGroup, version: "v1alpha1", namespaced: true } as const;

/** What is read. */
export const types = {
  pods: resourceType<Pod>({ ...core, plural: "pods", kind: "Pod", namespaced: true }),
  namespaces: resourceType({ ...core, plural: "namespaces", kind: "Namespace", namespaced: false }),
  configMaps: resourceType<ConfigMap>({
    ...core,
    plural: "configmaps",
    kind: "ConfigMap",
    namespaced: true,
  }),
  definitions: resourceType<InstalledDefinition>({
    group: "apiextensions.k8s.io",
    version: "v1",
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    namespaced: false,
  }),
  policies: resourceType<InstalledPolicy>({
    ...admission,
    plural: "validatingadmissionpolicies",
    kind: "ValidatingAdmissionPolicy",
  }),
  policyBindings: resourceType<InstalledBinding>({
    ...admission,
    plural: "validatingadmissionpolicybindings",
    kind: "ValidatingAdmissionPolicyBinding",
  }),
  demands: resourceType({ ...own, plural: "demands", kind: "Demand" }),
  capabilities: resourceType({ ...own, plural: "capabilities", kind: "Capability" }),
  leases,
} as const;

/** Whether a pod runs and is not on its way out. */
export function isRunning({ metadata, status }: Pod): boolean {
  return status?.phase === "Running" && metadata.deletionTimestamp === undefined;
}
