/** The way to a cluster with a person's own kubeconfig: requests, and where they go. */
import {
  ApiClient,
  type ApiObject,
  type Credentials,
  kubeconfigCredentials,
  type KubeconfigOptions,
  type ObjectPlace,
  type RawRequest,
  realSurroundings,
  type ResourceType,
  RuntimeMetrics,
  type Selection,
} from "../runtime/index.ts";
import { ClusterError, clusterErrorOf } from "./cluster-error.ts";

/** Objects of one page. */
const pageLimit = 500;

/** Objects of one list at most; a namespace with more is shown in part. */
const maxObjects = 5_000;

/** For each request with its repetitions; a person waits for it, ms. */
const timeoutMs = 6_000;

/** Where the client library goes when no kubeconfig is there at all. */
const nowhere = "http://localhost:8080";

/** See the head of the file. Every error is a ClusterError. */
export class ClusterAccess {
  readonly credentials: Credentials;
  readonly #client: ApiClient;

  private constructor(credentials: Credentials, client: ApiClient) {
    this.credentials = credentials;
    this.#client = client;
  }

  /** @throws {ClusterError} `NO_KUBECONFIG`, `KUBECONFIG_INVALID`. */
  static async open(options: KubeconfigOptions): Promise<ClusterAccess> {
    try {
      const credentials = await kubeconfigCredentials(options);
      if (credentials.server === nowhere) throw noKubeconfig();
      const components = { surroundings: realSurroundings(), metrics: new RuntimeMetrics() };
      return new ClusterAccess(credentials, ApiClient.connect(credentials, components));
    } catch (error) {
      throw clusterErrorOf(error, "");
    }
  }

  /** One object; undefined when there is none. */
  async find<T extends ApiObject>(
    type: ResourceType<T>,
    place: ObjectPlace,
  ): Promise<T | undefined> {
    try {
      return await this.#client.get(type, place, { timeoutMs });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#translated(error);
    }
  }

  /** Every object of a selection, in pages; undefined when the type is not served. */
  async list<T extends ApiObject>(
    type: ResourceType<T>,
    selection: Selection,
  ): Promise<readonly T[] | undefined> {
    const objects: T[] = [];
    let continueToken: string | undefined;
    try {
      do {
        const query = { ...selection, limit: pageLimit, continueToken };
        const page = await this.#client.list(type, query, { timeoutMs });
        objects.push(...page.items);
        continueToken = page.continueToken;
      } while (continueToken !== undefined && objects.length < maxObjects);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#translated(error);
    }
    return objects;
  }

  /** Any other request. */
  async request(raw: RawRequest): Promise<unknown> {
    try {
      return await this.#client.request({ timeoutMs, ...raw });
    } catch (error) {
      throw this.#translated(error);
    }
  }

  /** Closes its connections. */
  close(): Promise<void> {
    return this.#client.close();
  }

  #translated(error: unknown): ClusterError {
    return clusterErrorOf(error, this.credentials.server);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "NOT_FOUND";
}

function noKubeconfig(): ClusterError {
  const text = "no kubeconfig names a cluster (looked at KUBECONFIG and ~/.kube/config)";
  const remedy = "Point KUBECONFIG or --kubeconfig at the file that kubectl uses.";
  return new ClusterError("NO_KUBECONFIG", { text, remedy });
}
