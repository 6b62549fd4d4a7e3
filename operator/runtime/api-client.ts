/**
 * The verbs of the API for any resource type: small, typed, without generated code. How a
 * request is sent and repeated stands in api-requests.ts.
 */
import { ApiConnection } from "./api-connection.ts";
import { ApiError } from "./api-error.ts";
import {
  type ApiClientComponents,
  ApiRequests,
  type RawRequest,
  type RequestOptions,
} from "./api-requests.ts";
import type { Credentials } from "./credentials.ts";
import {
  apiVersionOf,
  isRecord,
  resourcePath,
  type ApiObject,
  type ResourcePlace,
  type ResourceType,
} from "./resource-type.ts";
import type { WatchEvent } from "./watch-event.ts";
import { WatchLines } from "./watch-lines.ts";

/** One object, or a subresource of it. */
export interface ObjectPlace extends ResourcePlace {
  readonly name: string;
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
  /**
   * Fields that the API does not know: `Ignore` drops them, unlooked for. Of an apply it saves the
   * server a second reading of the body; for who writes what a type of the program allows.
   * @default the server's: it warns, and nobody listens
   */
  readonly fieldValidation?: "Ignore" | "Strict" | undefined;
}

/** How an apply is marked. */
export interface ApplyOptions extends WriteOptions {
  /** Who wishes: what this manager wished before and leaves out now is given up. */
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

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

/** A client of one API server. */
export class ApiClient {
  readonly #requests: ApiRequests;

  private constructor(requests: ApiRequests) {
    this.#requests = requests;
  }

  /**
   * Opens nothing yet: connections are made by requests.
   * @throws {ApiError} `CREDENTIALS_INVALID` for an address that is none.
   */
  static connect(credentials: Credentials, components: ApiClientComponents): ApiClient {
    const connection = new ApiConnection(credentials, components.surroundings);
    return new ApiClient(new ApiRequests(connection, components));
  }

  /**
   * The same client, whose writes are refused (`WRITE_REFUSED`) whenever the guard says false:
   * asked again in the moment when a request would go out on its connection. Reads are not asked.
   */
  guardedBy(mayWrite: () => boolean): ApiClient {
    return new ApiClient(this.#requests.guardedBy(mayWrite));
  }

  /** Ends every request of this client and those guarded from it; final. */
  close(): Promise<void> {
    return this.#requests.close();
  }

  /**
   * Any request with a JSON answer: for what has no verb here.
   * @throws {ApiError}
   */
  request(raw: RawRequest): Promise<unknown> {
    return this.#requests.send(raw);
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
    await this.#requests.stream(path, {
      signal: options.signal,
      onChunk: (chunk) => {
        lines.push(chunk);
      },
    });
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
    return this.#object(type, applyRequest(type, object, options));
  }

  /**
   * As `apply`, for who writes much and reads the result elsewhere, in a cache: nothing but the
   * version is kept of the answer.
   * @returns the version that was made, or stood already.
   * @throws {ApiError} as `apply`.
   */
  async applyForVersion(
    type: ResourceType,
    object: ApiObject,
    options: ApplyOptions,
  ): Promise<string> {
    const raw = applyRequest(type, object, options);
    const pick = (answer: unknown): string => {
      const version = type.matches(answer) ? answer.metadata.resourceVersion : undefined;
      return version ?? malformed(type, raw);
    };
    return String(await this.request({ ...raw, pick }));
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

  async #object<T extends ApiObject>(type: ResourceType<T>, raw: RawRequest): Promise<T> {
    const answer = await this.request(raw);
    return type.matches(answer) ? answer : malformed(type, raw);
  }
}

function malformed(type: ResourceType, { method, path }: RawRequest): never {
  throw new ApiError("MALFORMED_ANSWER", `${method} ${path}: no ${type.kind}`);
}

function applyRequest(type: ResourceType, object: ApiObject, options: ApplyOptions): RawRequest {
  const { namespace, name } = object.metadata;
  const { subresource, force = true } = options;
  const place = resourcePath(type, { namespace, name, subresource });
  const path = withQuery(place, [...writeQuery(options), ["force", String(force)]]);
  return {
    ...options,
    method: "PATCH",
    path,
    body: typed(type, object),
    contentType: "application/apply-patch+yaml",
    idempotent: true,
  };
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

function writeQuery({ fieldManager, dryRun, fieldValidation }: WriteOptions): Query {
  return [
    ["fieldManager", fieldManager],
    ["fieldValidation", fieldValidation],
    ["dryRun", dryRun === true ? "All" : undefined],
  ];
}

function typed(type: ResourceType, object: ApiObject): ApiObject {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
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
