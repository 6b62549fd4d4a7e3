/** One namespace of a cluster: its sidecars as places, its state. */
import { askSidecar, type Place } from "../inspect/index.ts";
import { labels } from "../manifests/index.ts";
import type { KubeconfigOptions } from "../runtime/index.ts";
import {
  apiVersion,
  nearestName,
  readCapability,
  readDemand,
  selects,
  type StoredDemand,
} from "../schema/index.ts";
import { askPods, maxAsked } from "./ask-pods.ts";
import { ClusterAccess } from "./cluster-access.ts";
import { ClusterError } from "./cluster-error.ts";
import { clusterStatus, type ClusterStatus } from "./cluster-status.ts";
import { placeOfPod } from "./pod-place.ts";
import { isRunning, type Pod, types } from "./resources.ts";

/** Which namespace, with whose permissions. */
export interface NamespaceOptions {
  /** Its name; that it exists is not checked, an empty one looks the same. */
  readonly namespace: string;
  /** @default as kubectl finds it */
  readonly kubeconfig: KubeconfigOptions;
}

/** See the head of the file. Every refusal is a ClusterError. */
export class ClusterNamespace {
  readonly #access: ClusterAccess;
  readonly #namespace: string;

  private constructor(access: ClusterAccess, namespace: string) {
    this.#access = access;
    this.#namespace = namespace;
  }

  /** @throws {ClusterError} `NO_KUBECONFIG`, `KUBECONFIG_INVALID`. */
  static async open(options: NamespaceOptions): Promise<ClusterNamespace> {
    return new ClusterNamespace(await ClusterAccess.open(options.kubeconfig), options.namespace);
  }

  /** Closes its connections. */
  close(): Promise<void> {
    return this.#access.close();
  }

  /**
   * Sidecars to be asked, by name.
   * @throws {ClusterError} `NO_PODS` among others.
   */
  async places(): Promise<Place[]> {
    const pods = await this.#pods();
    return this.#placesOf(pods, `no pod with a sidecar runs in namespace ${this.#namespace}`);
  }

  /**
   * Sidecars that should hold a Demand's queue, by name.
   * @throws {ClusterError} `UNKNOWN_DEMAND`, `NOT_INSTALLED`, `NO_PODS` among others.
   */
  async placesOfDemand(name: string): Promise<Place[]> {
    const demands = await this.#demands();
    const found = demands.find(({ resource }) => resource.metadata.name === name);
    if (found === undefined) throw this.#unknownDemand(name, demands);
    const selected = found.ok ? selectedBy(found.resource) : () => true;
    const pods = (await this.#pods()).filter(selected);
    return this.#placesOf(pods, `no running pod with a sidecar is selected by the Demand ${name}`);
  }

  /** Pods, resources and, where they answer, live numbers. */
  async status(nowEpochMs: number): Promise<ClusterStatus> {
    const demands = await this.#demands();
    const [capabilities, pods] = await Promise.all([this.#capabilities(), this.#pods()]);
    const running = pods.filter(isRunning).slice(0, maxAsked);
    const { answers, notAsked } = await askPods(running, (pod) => askSidecar(this.#placeOf(pod)));
    return clusterStatus({
      pods: pods.map((pod) => ({ pod, report: answers.get(pod) })),
      demands,
      capabilities,
      notAsked,
      nowEpochMs,
    });
  }

  #placesOf(pods: readonly Pod[], none: string): Place[] {
    const places = pods.filter(isRunning).map((pod) => this.#placeOf(pod));
    if (places.length > 0) return places;
    const remedy = `spillway check -n ${this.#namespace} tells which pods have no sidecar.`;
    throw new ClusterError("NO_PODS", { text: none, remedy });
  }

  #placeOf(pod: Pod): Place {
    return placeOfPod(this.#access.credentials, pod);
  }

  /** Pods that carry a sidecar, by name. */
  async #pods(): Promise<Pod[]> {
    const selection = { namespace: this.#namespace, labelSelector: labels.injected };
    const pods = (await this.#access.list(types.pods, selection)) ?? [];
    return pods.toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
  }

  async #demands(): Promise<ReturnType<typeof readDemand>[]> {
    const found = await this.#access.list(types.demands, { namespace: this.#namespace });
    if (found === undefined) throw notInstalled();
    return found.map((item) => readDemand({ ...item, apiVersion, kind: "Demand" }));
  }

  async #capabilities(): Promise<ReturnType<typeof readCapability>[]> {
    const found = await this.#access.list(types.capabilities, { namespace: this.#namespace });
    if (found === undefined) throw notInstalled();
    return found.map((item) => readCapability({ ...item, apiVersion, kind: "Capability" }));
  }

  #unknownDemand(name: string, demands: readonly ReturnType<typeof readDemand>[]): ClusterError {
    const known = demands.map(({ resource }) => resource.metadata.name);
    const near = nearestName(name, known);
    const there = known.length === 0 ? "none" : known.slice(0, 10).join(", ");
    const text = `namespace ${this.#namespace} has no Demand ${name} (those there are: ${there})`;
    const remedy = near === undefined ? "Write the name of one of them." : `Did you mean ${near}?`;
    return new ClusterError("UNKNOWN_DEMAND", { text, remedy });
  }
}

function selectedBy({ spec }: StoredDemand): (pod: Pod) => boolean {
  return ({ metadata }) => selects(spec.selector, metadata.labels ?? {});
}

function notInstalled(): ClusterError {
  const text = `the cluster does not know the resources of ${apiVersion}`;
  const remedy = "Install them: kubectl apply --server-side -f crds/.";
  return new ClusterError("NOT_INSTALLED", { text, remedy });
}
