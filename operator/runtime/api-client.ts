/**
 * The verbs of the API for any resource type: small, typed, without generated code. A request is
 * repeated only where that is safe (core/retry-policy.ts).
 */
import {
  ApiConnection,
  type HttpMethod,
  type WireAnswer,
  type WireRequest,
} from "./api-connection.ts";
import { ApiError, codeOfStatus, retryAfterMsOf } from "./api-error.ts";
import { retryDelayMs } from "./core/retry-policy.ts";
import type { Credentials } from "./credentials.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import {
  apiVersionOf,
  isRecord,
  resourcePath,
  type ApiObject,
  type ResourcePlace,
  type ResourceType,
} from "./resource-type.ts";
import { WatchLines, type WatchEvent } from "./watch-lines.ts";

/** One object, or a subresource of it. */
export interface ObjectPlace extends ResourcePlace {
  readonly name: string;
}

/** Of every request. */
export interface RequestOptions {
  /** Ends the request, its repetitions included. */
  readonly signal?: AbortSignal | undefined;
  /** For all attempts together, ms. @default 30,000 */
  readonly timeoutMs?: number;
}

/** Which objects of a collection. */
export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  /** For example `app=web,tier!=cache`. */
  readonly labelSelector?: string | undefined;
  /** For example `metadata.name=web`. */
  readonly fieldSelector?: string | undefined;
}

/** One page of a collection. */
export interface ListQuery extends Selection {
  /** Objects in a page at most. Absent: all in one answer. */
  readonly limit?: number | undefined;
  /** From the page before. */
  readonly continueToken?: string | undefined;
}

/** What a list answers. */
export interface ListPage<T> {
  readonly items: readonly T[];
  /** Version of the collection that the page shows. */
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continueToken: string | undefined;
}

/** From when on a collection is watched. */
export interface WatchQuery extends Selection {
  /** Changes after this version; "" with `initialEvents`: everything as it is now. */
  readonly resourceVersion: string;
  /** Whether what exists is sent first, ended by a bookmark (a streamed list). */
  readonly initialEvents: boolean;
  /** The server ends the watch after about this, s. */
  readonly timeoutSeconds: number;
}

/** How writes are marked. */
export interface WriteOptions extends RequestOptions {
  /** Who owns the written fields; at most 128 characters. */
  readonly fieldManager?: string | undefined;
  /** Validates and answers, and stores nothing. @default false */
  readonly dryRun?: boolean;
}

/** How an apply is marked. */
export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes over fields that others own. @default true, as controllers should */
  readonly force?: boolean;
  /** For example `status`. */
  readonly subresource?: string | undefined;
}

/** The three kinds of patch that are not apply. */
export type PatchType = "merge" | "json" | "strategic";

/** What is deleted, and how. */
export interface DeleteOptions extends RequestOptions {
  /** Refused with `CONFLICT` if the object is another one by now. */
  readonly uid?: string | undefined;
  /** @default "Background" */
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/** Any request: for subresources and reviews that are no stored objects. */
export interface RawRequest extends RequestOptions {
  readonly method: HttpMethod;
  /** Path with its query, for example `/apis/authentication.k8s.io/v1/tokenreviews`. */
  readonly path: string;
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  /** Whether sending it twice does what sending it once does. @default only GET */
  readonly idempotent?: boolean;
}

/** What a client works with. */
export interface ApiClientComponents {
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

const defaultTimeoutMs = 30_000;

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

interface Parts extends ApiClientComponents {
  readonly connection: ApiConnection;
  readonly mayWrite: (() => boolean) | undefined;
}

/** A client of one API server. */
export class ApiClient {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Opens nothing yet: connections are made by requests.
   * @throws {ApiError} `CREDENTIALS_INVALID` for an address that is none.
   */
  static connect(credentials: Credentials, components: ApiClientComponents): ApiClient {
    const connection = new ApiConnection(credentials, components.surroundings.clock);
    return new ApiClient({ ...components, connection, mayWrite: undefined });
  }

  /**
   * The same client, whose writes are refused (`WRITE_REFUSED`) whenever the guard says false: asked
   * again in the moment when a request would go out on its connection. Reads are not asked.
   */
  guardedBy(mayWrite: () => boolean): ApiClient {
    return new ApiClient({ ...this.#parts, mayWrite });
  }

  /** Ends every request of this client and those guarded from it; final. */
  close(): Promise<void> {
    return this.#parts.connection.close();
  }

  /** @throws {ApiError} `NOT_FOUND` among others. */
  async get<T extends ApiObject>(
    type: ResourceType<T>,
    place: ObjectPlace,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#object(type, { ...options, method: "GET", path: resourcePath(type, place) });
  }

  /** @throws {ApiError} `GONE` for a continue token that is too old, among others. */
  async list<T extends ApiObject>(
    type: ResourceType<T>,
    query: ListQuery = {},
    options: RequestOptions = {},
  ): Promise<ListPage<T>> {
    const path = collectionPath(type, query, [
      ["limit", query.limit?.toString()],
      ["continue", query.continueToken],
    ]);
    return pageOf(type, await this.request({ ...options, method: "GET", path }));
  }

  /**
   * Watches a collection until the server ends it. Never repeated here.
   * @param onEvent gets each event in order; what it throws ends the watch.
   * @throws {ApiError} `GONE` when the version is too old, in the answer or in the stream.
   */
  async watch<T extends ApiObject>(
    type: ResourceType<T>,
    query: WatchQuery,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: WatchEvent<T>) => void },
  ): Promise<void> {
    const path = collectionPath(type, query, [
      ["watch", "true"],
      ["allowWatchBookmarks", "true"],
      ["resourceVersion", query.resourceVersion],
      ["timeoutSeconds", query.timeoutSeconds.toString()],
      ["sendInitialEvents", query.initialEvents ? "true" : undefined],
      ["resourceVersionMatch", query.initialEvents ? "NotOlderThan" : undefined],
    ]);
    const lines = new WatchLines(type, options.onEvent);
    const { signal } = options;
    const wire = { method: "GET", path, timeoutMs: defaultTimeoutMs, signal } as const;
    const answer = await this.#counted(wire, () =>
      this.#parts.connection.stream(wire, (chunk) => {
        lines.push(chunk);
      }),
    );
    if (answer === undefined) return;
    if (answer.status === 401) this.#parts.connection.distrustCredentials();
    throw errorOfAnswer(answer, wire);
  }

  /** @throws {ApiError} `ALREADY_EXISTS`, `INVALID` among others. */
  async create<T extends ApiObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = object.metadata;
    const path = withQuery(resourcePath(type, { namespace }), writeQuery(options));
    return this.#object(type, { ...options, method: "POST", path, body: typed(type, object) });
  }

  /**
   * Replaces an object as it was read.
   * @throws {ApiError} `CONFLICT` when it has changed since.
   */
  async update<T extends ApiObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions & { readonly subresource?: string | undefined } = {},
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const { subresource } = options;
    const place = resourcePath(type, { namespace, name, subresource });
    const path = withQuery(place, writeQuery(options));
    return this.#object(type, { ...options, method: "PUT", path, body: typed(type, object) });
  }

  /** Changes what the patch names. @throws {ApiError} `NOT_FOUND`, `INVALID` among others. */
  async patch<T extends ApiObject>(
    type: ResourceType<T>,
    place: ObjectPlace,
    options: WriteOptions & { readonly type: PatchType; readonly patch: unknown },
  ): Promise<T> {
    const path = withQuery(resourcePath(type, place), writeQuery(options));
    const contentType = patchTypes[options.type];
    return this.#object(type, {
      ...options,
      method: "PATCH",
      path,
      body: options.patch,
      contentType,
      // A merge patch sets values; a JSON patch may append.
      idempotent: options.type === "merge",
    });
  }

  /**
   * Server-side apply: the manager's whole wish; fields it leaves out are given up.
   * @param object name, namespace and wished fields; apiVersion and kind are filled in.
   * @throws {ApiError} `CONFLICT` when others own a field and `force` is false.
   */
  async apply<T extends ApiObject>(
    type: ResourceType<T>,
    object: ApiObject,
    options: ApplyOptions,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const { subresource, force = true } = options;
    const place = resourcePath(type, { namespace, name, subresource });
    const path = withQuery(place, [...writeQuery(options), ["force", String(force)]]);
    return this.#object(type, {
      ...options,
      method: "PATCH",
      path,
      body: typed(type, object),
      contentType: "application/apply-patch+yaml",
      idempotent: true,
    });
  }

  /** Deletes an object; one that is gone already is no error. */
  async delete(type: ResourceType, place: ObjectPlace, options: DeleteOptions = {}): Promise<void> {
    const { uid, propagationPolicy = "Background" } = options;
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy,
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      const path = resourcePath(type, place);
      // With a uid it deletes that object or none, however often it is sent.
      const idempotent = uid !== undefined;
      await this.request({ ...options, method: "DELETE", path, body, idempotent });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "NOT_FOUND") throw error;
    }
  }

  /**
   * Any request with a JSON answer.
   * @throws {ApiError}
   */
  async request(raw: RawRequest): Promise<unknown> {
    const { clock, random } = this.#parts.surroundings;
    const { timeoutMs = defaultTimeoutMs, idempotent = raw.method === "GET" } = raw;
    const wire = this.#wireOf(raw, timeoutMs);
    const startedAtMs = clock.nowMs();
    for (let attempts = 1; ; attempts++) {
      const elapsedMs = clock.nowMs() - startedAtMs;
      try {
        return await this.#once({ ...wire, timeoutMs: Math.max(1, timeoutMs - elapsedMs) });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const delayMs = this.#unauthorizedOnce(error, attempts)
          ? 0
          : retryDelayMs({
              error,
              idempotent,
              attempts,
              elapsedMs: clock.nowMs() - startedAtMs,
              timeoutMs,
              chance: random.next(),
            });
        if (delayMs === undefined) throw error;
        await this.#pause(delayMs, wire);
      }
    }
  }

  /** The token may have been renewed since it was read: one more attempt with fresh credentials. */
  #unauthorizedOnce(error: ApiError, attempts: number): boolean {
    if (error.code !== "UNAUTHORIZED") return false;
    this.#parts.connection.distrustCredentials();
    return attempts === 1;
  }

  #wireOf(raw: RawRequest, timeoutMs: number): WireRequest {
    const { method, path, body, contentType = "application/json", signal } = raw;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return {
      method,
      path,
      body: text === undefined ? undefined : { text, contentType },
      timeoutMs,
      signal,
      mayWrite: method === "GET" ? undefined : this.#parts.mayWrite,
    };
  }

  async #once(wire: WireRequest): Promise<unknown> {
    const answer = await this.#counted(wire, () => this.#parts.connection.text(wire));
    if (answer.status >= 300) throw errorOfAnswer(answer, wire);
    return parse(answer.text, wire);
  }

  /** Counts the request under its status, or `<error>` as client-go does. */
  async #counted<A extends WireAnswer | undefined>(
    wire: WireRequest,
    send: () => Promise<A>,
  ): Promise<A> {
    const { metrics, connection } = this.#parts;
    const labels = { method: wire.method, host: connection.host };
    try {
      const answer = await send();
      metrics.requests.inc({ ...labels, code: String(answer?.status ?? 200) });
      return answer;
    } catch (error) {
      metrics.requests.inc({ ...labels, code: "<error>" });
      throw error;
    }
  }

  async #object<T extends ApiObject>(type: ResourceType<T>, raw: RawRequest): Promise<T> {
    const answer = await this.request(raw);
    if (type.matches(answer)) return answer;
    throw new ApiError("MALFORMED_ANSWER", `${raw.method} ${raw.path}: no ${type.kind}`);
  }

  /** @throws {ApiError} `ABORTED` when the caller's signal ends the wait. */
  #pause(delayMs: number, { method, path, signal }: WireRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        reject(new ApiError("ABORTED", `${method} ${path}: ended by its caller`));
      };
      const cancel = this.#parts.surroundings.timers.after(delayMs, () => {
        signal?.removeEventListener("abort", end);
        resolve();
      });
      if (signal?.aborted === true) end();
      else signal?.addEventListener("abort", end, { once: true });
    });
  }
}

type Query = readonly (readonly [string, string | undefined])[];

function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of query) if (value !== undefined) search.set(name, value);
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

function collectionPath(type: ResourceType, selection: Selection, query: Query): string {
  const { namespace, labelSelector, fieldSelector } = selection;
  return withQuery(resourcePath(type, { namespace }), [
    ["labelSelector", labelSelector],
    ["fieldSelector", fieldSelector],
    ...query,
  ]);
}

function writeQuery({ fieldManager, dryRun }: WriteOptions): Query {
  return [
    ["fieldManager", fieldManager],
    ["dryRun", dryRun === true ? "All" : undefined],
  ];
}

function typed(type: ResourceType, object: ApiObject): ApiObject {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function parse(text: string, { method, path }: WireRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError("MALFORMED_ANSWER", `${method} ${path}: the answer is no JSON`, { cause });
  }
}

/** A sentence out of a Status, or the beginning of whatever came instead of one. */
function errorOfAnswer(answer: WireAnswer, { method, path }: WireRequest): ApiError {
  let reason: string | undefined;
  let message = answer.text.slice(0, 200).trim();
  try {
    const status: unknown = JSON.parse(answer.text);
    if (isRecord(status) && typeof status.reason === "string") reason = status.reason;
    if (isRecord(status) && typeof status.message === "string") message = status.message;
  } catch {
    // Some refusals (of proxies, or before the API is up) are plain text; it is quoted as it is.
  }
  const code = codeOfStatus(answer.status, reason);
  const what = `${method} ${path.split("?", 1)[0] ?? ""}: ${answer.status} ${message}`;
  const retryAfterMs = retryAfterMsOf(answer.retryAfter);
  return new ApiError(code, what, { status: answer.status, reason, retryAfterMs });
}

function pageOf<T extends ApiObject>(type: ResourceType<T>, answer: unknown): ListPage<T> {
  const malformed = (what: string): never => {
    throw new ApiError("MALFORMED_ANSWER", `list of ${type.plural}: ${what}`);
  };
  if (!isRecord(answer) || !isRecord(answer.metadata)) return malformed("no list");
  const { resourceVersion, continue: continueToken } = answer.metadata;
  const items: unknown[] = Array.isArray(answer.items) ? answer.items : [];
  return {
    items: items.map((item) => (type.matches(item) ? item : malformed("an item without name"))),
    resourceVersion:
      typeof resourceVersion === "string" ? resourceVersion : malformed("no version"),
    continueToken:
      typeof continueToken === "string" && continueToken !== "" ? continueToken : undefined,
  };
}
