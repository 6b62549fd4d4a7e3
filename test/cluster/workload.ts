/** Many Demands and Capabilities in one namespace, and whether the operator has seen them all. */
import { compileProto } from "../support/compile-proto.ts";
import { eventually } from "../support/eventually.ts";
import { imagesProto } from "../support/example-folder.ts";
import { capabilityManifest, demandManifest } from "../support/manifests.ts";
import type { ApiClient, ApiObject } from "./api-client.ts";

/** Path of the collection of a kind. */
export const collection = (namespace: string, plural: "demands" | "capabilities"): string =>
  `/apis/spillway.dev/v1alpha1/namespaces/${namespace}/${plural}`;

/** The contract of `demandManifest` and `capabilityManifest`, as the cluster holds it. */
export function contractConfigMap(): object {
  const content = compileProto({ "images.proto": imagesProto });
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "images", labels: { "spillway.dev/contract": "true" } },
    binaryData: { "images.binpb": Buffer.from(content).toString("base64") },
  };
}

/** How much is made. */
export interface WorkloadOptions {
  readonly namespace: string;
  /** Demands, named `demand-N`. */
  readonly demandCount: number;
  /** Capabilities, named `capability-N`. @default 0 */
  readonly capabilityCount?: number;
}

/** Creates the contract, Demands and Capabilities in a namespace that exists. */
export async function createWorkload(api: ApiClient, options: WorkloadOptions): Promise<void> {
  const { namespace, demandCount, capabilityCount = 0 } = options;
  await api.create(`/api/v1/namespaces/${namespace}/configmaps`, contractConfigMap());
  for (let index = 0; index < demandCount; index++) {
    const manifest = demandManifest((it) => (it.metadata.name = `demand-${index}`));
    await api.create(collection(namespace, "demands"), manifest);
  }
  for (let index = 0; index < capabilityCount; index++) {
    const manifest = capabilityManifest((it) => (it.metadata.name = `capability-${index}`));
    await api.create(collection(namespace, "capabilities"), manifest);
  }
}

/** A condition of a status. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** @returns a condition of an object; undefined when its status has none of that type. */
export function conditionOf(object: ApiObject, type: string): Condition | undefined {
  const conditions = (object["status"]?.conditions ?? []) as readonly Condition[];
  return conditions.find((it) => it.type === type);
}

/** @returns names of the objects whose `Accepted` is not about their present generation. */
export async function unseen(api: ApiClient, namespace: string): Promise<string[]> {
  const objects = [
    ...(await api.list(collection(namespace, "demands"))),
    ...(await api.list(collection(namespace, "capabilities"))),
  ];
  return objects
    .filter((it) => conditionOf(it, "Accepted")?.observedGeneration !== it.metadata.generation)
    .map((it) => it.metadata.name);
}

/**
 * Waits until the operator has said of every object what it thinks of its present generation.
 * @returns how long that took, ms.
 */
export async function converged(
  api: ApiClient,
  namespace: string,
  timeoutMs = 30_000,
): Promise<number> {
  const startedMs = performance.now();
  const probe = async (): Promise<boolean> => {
    const names = await unseen(api, namespace);
    if (names.length === 0) return true;
    throw new Error(`${names.length} are not seen, ${names.slice(0, 5).join(", ")} among them`);
  };
  await eventually(probe, { timeoutMs, intervalMs: 50, what: "a status of every object" });
  return Math.round(performance.now() - startedMs);
}
