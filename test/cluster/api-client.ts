/** Plain requests to an API server as one user, for tests: no retries, no cache, no models. */
import { Agent, request } from "undici";

/** How a user shows who they are. */
export type Credentials =
  | { readonly certPem: string; readonly keyPem: string }
  | { readonly token: string };

/** An object of the API, as far as every kind has it. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test knows its kind
  readonly [field: string]: any;
}

/** A request that the API server refused. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";
  readonly status: number;
  /** Kubernetes' word for it, e.g. `NotFound`. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(`${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

/** Content types of a PATCH. */
const patchTypes = {
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
  json: "application/json-patch+json",
} as const;

/** See the head of the file. */
export class ApiClient {
  readonly #server: string;
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(server: string, caPem: string, credentials: Credentials) {
    const hasToken = "token" in credentials;
    const identity = hasToken ? {} : { cert: credentials.certPem, key: credentials.keyPem };
    this.#server = server;
    this.#agent = new Agent({ connect: { ca: caPem, ...identity } });
    this.#headers = hasToken ? { authorization: `Bearer ${credentials.token}` } : {};
  }

  /** Whether the API server says that it is ready. */
  async isReady(): Promise<boolean> {
    const { statusCode, body } = await request(`${this.#server}/readyz`, {
      dispatcher: this.#agent,
      headersTimeout: 2_000,
      headers: this.#headers,
    });
    await body.dump();
    return statusCode === 200;
  }

  /** GET one object, or a list, or a subresource. */
  async get(path: string): Promise<ApiObject> {
    return await this.#send("GET", path);
  }

  /** GET one object; undefined when there is none. */
  async find(path: string): Promise<ApiObject | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** GET the items of a list. */
  async list(path: string): Promise<readonly ApiObject[]> {
    const { items } = await this.get(path);
    return (items ?? []) as readonly ApiObject[];
  }

  /** POST. */
  async create(path: string, body: object): Promise<ApiObject> {
    return await this.#send("POST", path, body);
  }

  /** PUT. */
  async replace(path: string, body: object): Promise<ApiObject> {
    return await this.#send("PUT", path, body);
  }

  /** PATCH as a merge. */
  async merge(path: string, body: object): Promise<ApiObject> {
    return await this.#send("PATCH", path, body, patchTypes.merge);
  }

  /** PATCH as a server-side apply by `manager`, conflicts forced. */
  async apply(path: string, body: object, manager: string): Promise<ApiObject> {
    const query = `fieldManager=${manager}&force=true`;
    return await this.#send("PATCH", `${path}?${query}`, body, patchTypes.apply);
  }

  /** DELETE, at once. */
  async delete(path: string): Promise<void> {
    const body = { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 };
    await this.#send("DELETE", path, body);
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
    contentType = "application/json",
  ): Promise<ApiObject> {
    const answer = await request(this.#server + path, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#headers, accept: "application/json", "content-type": contentType },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    const value = parse(text);
    if (answer.statusCode < 300) return value;
    const message = String(value["message"] ?? text);
    throw new ApiRefusal(answer.statusCode, String(value["reason"] ?? ""), message);
  }
}

function parse(text: string): ApiObject {
  try {
    return JSON.parse(text) as ApiObject;
  } catch {
    return { metadata: { name: "" } };
  }
}
