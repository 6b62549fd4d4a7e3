/** A Capability's target: its subresource `scale`, and the marks on its pods. */
import { fieldManagers, podDeletionCost, removedFirst } from "../manifests/index.ts";
import {
  type Action,
  parseLabelSelector,
  type ScaleTarget,
  type SelectedPod,
  selectedPods,
} from "../reconcile/index.ts";
import {
  type ApiClient,
  ApiError,
  type ApiObject,
  type ResourceType,
  resourceType,
} from "../runtime/index.ts";
import type { StoredCapability } from "../schema/index.ts";
import { pods } from "./cluster-objects.ts";

/** Source: Kubernetes API, `autoscaling/v1` Scale. */
interface Scale extends ApiObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

function scalable(kind: "Deployment" | "StatefulSet"): ResourceType<Scale> {
  const plural = kind === "Deployment" ? "deployments" : "statefulsets";
  return resourceType<Scale>({ group: "apps", version: "v1", plural, kind, namespaced: true });
}

const targets = { Deployment: scalable("Deployment"), StatefulSet: scalable("StatefulSet") };

const subresource = "scale";

/** Name and namespace of a target, and its kind. */
export interface TargetPlace {
  readonly kind: keyof typeof targets;
  readonly namespace: string;
  readonly name: string;
}

/** The target that a Capability's author named; undefined without `scale`. */
export function targetOf({ metadata, spec }: StoredCapability): TargetPlace | undefined {
  if (spec.scale === undefined) return undefined;
  const { kind, name } = spec.scale.targetRef;
  return { kind, namespace: metadata.namespace, name };
}

/** Reads and writes targets. */
export class ScaleClient {
  readonly #client: ApiClient;

  /** @param client guarded: who does not lead writes nothing. */
  constructor(client: ApiClient) {
    this.#client = client;
  }

  /**
   * Reads a target.
   * @param selected pods of the Capability; those of them that are the target's own are told apart.
   * @throws {ApiError} when the API server could not be asked.
   */
  async read(
    { kind, ...place }: TargetPlace,
    selected: readonly SelectedPod<unknown>[],
    signal: AbortSignal,
  ): Promise<ScaleTarget> {
    try {
      const found = await this.#client.get(targets[kind], { ...place, subresource }, { signal });
      const selector = parseLabelSelector(found.status?.selector ?? "");
      const own = selector === undefined ? [] : selectedPods(selector, selected);
      return {
        found: true,
        replicas: found.spec?.replicas ?? 0,
        pods: found.status?.replicas ?? found.spec?.replicas ?? 0,
        resourceVersion: found.metadata.resourceVersion ?? "",
        podUids: new Set(own.map(({ pod }) => pod.uid)),
      };
    } catch (error) {
      const code = error instanceof ApiError ? error.code : undefined;
      if (code === "NOT_FOUND") return { found: false, why: "NotFound" };
      if (code === "FORBIDDEN") return { found: false, why: "Forbidden" };
      throw error;
    }
  }

  /**
   * Sets the replicas, if the target is still as it was read.
   * @throws {ApiError} `CONFLICT` when it is not.
   */
  async scale(
    { kind, ...place }: TargetPlace,
    { replicas, resourceVersion }: Extract<Action, { type: "scale" }>,
  ): Promise<void> {
    const patch = { metadata: { resourceVersion }, spec: { replicas } };
    await this.#client.patch(
      targets[kind],
      { ...place, subresource },
      { type: "merge", patch, fieldManager: fieldManagers.scaleIn },
    );
  }

  /** Has a pod removed first, or takes that back; a pod that is gone is no error. */
  async mark(namespace: string, action: Extract<Action, { type: "markPod" }>): Promise<void> {
    const value = action.removedFirst ? removedFirst : null;
    const patch = { metadata: { annotations: { [podDeletionCost]: value } } };
    const place = { namespace, name: action.podName };
    try {
      const fieldManager = fieldManagers.scaleIn;
      await this.#client.patch(pods, place, { type: "merge", patch, fieldManager });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "NOT_FOUND") throw error;
    }
  }
}
