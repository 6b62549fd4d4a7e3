/**
 * A small API server in this process: stores objects of any resource, lists them in pages, watches
 * them with bookmarks and streamed lists, and fails when a test says so. It checks nothing: what
 * only a real one does is tested in test/cluster.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An object as it is stored. */
export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
  };
  readonly spec?: object | undefined;
}

/** What a request was answered with instead of the truth. */
export interface Fault {
  /** HTTP status; `reset` breaks the connection, `silence` never answers. */
  readonly answer: number | "reset" | "silence";
  /** Reason of the Status. */
  readonly reason?: string;
  /** Header, seconds. */
  readonly retryAfter?: number;
  /** Only requests whose `METHOD path?query` matches. @default all */
  readonly matching?: RegExp;
  /** How many requests. @default 1 */
  times?: number;
}

/** A request that came. */
export interface SeenRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON; undefined without body. */
  readonly body: unknown;
}

interface Watcher {
  readonly prefix: string;
  readonly response: ServerResponse;
}

/** See the head of the file. */
export class FakeApiServer {
  /** What came, in order. */
  readonly requests: SeenRequest[] = [];
  /** Connections that were opened. */
  connectionCount = 0;
  readonly #server: Server;
  readonly #objects = new Map<string, StoredObject>();
  readonly #log: { readonly version: number; readonly path: string; readonly line: string }[] = [];
  readonly #faults: Fault[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 1;
  #compactedVersion = 0;
  #uids = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    this.#server.on("connection", () => {
      this.connectionCount += 1;
    });
  }

  /** Listens on a free port of the loopback. */
  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  /** Base address. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Watches that are open. */
  get watchCount(): number {
    return this.#watchers.size;
  }

  /** Credentials of a client; the token is `token`. */
  credentials() {
    const headers = { authorization: "Bearer token" };
    const resolve = async () => ({ headers, tls: {} });
    return { server: this.url, namespace: "default", resolve };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next requests that match are answered so. */
  fail(fault: Fault): void {
    this.#faults.push({ times: 1, ...fault });
  }

  /** Creates or replaces an object: `put("/api/v1/namespaces/a/pods", { metadata: { name } })`. */
  put(collection: string, object: StoredObject): StoredObject {
    const path = `${collection}/${object.metadata.name}`;
    const old = this.#objects.get(path);
    const version = ++this.#version;
    const namespace = /\/namespaces\/([^/]+)\//.exec(`${collection}/`)?.[1];
    const uid = old?.metadata.uid ?? `uid-${++this.#uids}`;
    const place = namespace === undefined ? {} : { namespace };
    const metadata = { ...object.metadata, ...place, uid, resourceVersion: `${version}` };
    const stored = { ...object, metadata };
    this.#objects.set(path, stored);
    this.#tell(path, old === undefined ? "ADDED" : "MODIFIED", stored);
    return stored;
  }

  /** Deletes an object. */
  remove(path: string): void {
    const old = this.#objects.get(path);
    if (old === undefined) return;
    this.#objects.delete(path);
    const metadata = { ...old.metadata, resourceVersion: `${++this.#version}` };
    this.#tell(path, "DELETED", { ...old, metadata });
  }

  get(path: string): StoredObject | undefined {
    return this.#objects.get(path);
  }

  /** Forgets what was before now: older watches are answered 410. */
  compact(): void {
    this.#compactedVersion = this.#version;
  }

  /** Writes raw bytes into every open watch. */
  writeToWatches(text: string): void {
    for (const { response } of this.#watchers) response.write(text);
  }

  /** Ends every open watch, in order or by breaking its connection. */
  endWatches(how: "end" | "reset"): void {
    for (const { response } of this.#watchers) {
      if (how === "end") response.end();
      else response.destroy();
    }
    this.#watchers.clear();
  }

  #tell(path: string, type: string, object: StoredObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#log.push({ version: this.#version, path, line });
    for (const { prefix, response } of this.#watchers) {
      if (isIn(prefix, path)) response.write(line);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { method = "GET", url = "/" } = request;
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    this.requests.push({ method, url, headers: request.headers, body });
    const fault = this.#faultOf(`${method} ${url}`);
    if (fault === undefined) this.#serve(new URL(url, this.url), { method, body }, response);
    else if (fault.answer === "reset") response.destroy();
    else if (typeof fault.answer === "number") {
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      refuse(response, fault.answer, fault.reason ?? "Faulty");
    }
  }

  #faultOf(line: string): Fault | undefined {
    const at = this.#faults.findIndex(({ matching }) => matching?.test(line) ?? true);
    const fault = this.#faults[at];
    if (fault === undefined) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.#faults.splice(at, 1);
    return fault;
  }

  #serve(
    { pathname: path, searchParams: query }: URL,
    { method, body }: { readonly method: string; readonly body: unknown },
    response: ServerResponse,
  ): void {
    const object = this.#objects.get(path);
    if (method === "GET") this.#read(path, query, response);
    else if (method === "POST") this.#create(path, body as StoredObject, response);
    else if (method === "PUT") this.#replace(path, body as StoredObject, response);
    else if (method === "PATCH") {
      const target = path.replace(/\/(status|scale)$/, "");
      const old = this.#objects.get(target);
      const name = target.slice(target.lastIndexOf("/") + 1);
      const metadata = { ...old?.metadata, ...(body as StoredObject).metadata, name };
      const next = { ...old, ...(body as object), metadata };
      reply(response, 200, this.put(target.slice(0, target.lastIndexOf("/")), next));
    } else if (object === undefined) refuse(response, 404, "NotFound");
    else {
      this.remove(path);
      reply(response, 200, { kind: "Status", status: "Success" });
    }
  }

  #read(path: string, query: URLSearchParams, response: ServerResponse): void {
    const object = this.#objects.get(path);
    if (object !== undefined) reply(response, 200, object);
    else if (query.get("watch") === "true") this.#watch(path, query, response);
    else if (/\/[a-z]+s$/.test(path)) this.#list(path, query, response);
    else refuse(response, 404, "NotFound");
  }

  #create(collection: string, object: StoredObject, response: ServerResponse): void {
    if (this.#objects.has(`${collection}/${object.metadata.name}`)) {
      refuse(response, 409, "AlreadyExists");
    } else reply(response, 201, this.put(collection, object));
  }

  #replace(path: string, object: StoredObject, response: ServerResponse): void {
    const old = this.#objects.get(path);
    if (old === undefined) refuse(response, 404, "NotFound");
    else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      refuse(response, 409, "Conflict");
    } else reply(response, 200, this.put(path.slice(0, path.lastIndexOf("/")), object));
  }

  #list(path: string, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get("continue") ?? 0);
    const limit = Number(query.get("limit") ?? Infinity);
    const all = [...this.#objects].filter(([key]) => isIn(path, key)).map(([, object]) => object);
    const next = from + limit < all.length ? { continue: `${from + limit}` } : {};
    const metadata = { resourceVersion: `${this.#version}`, ...next };
    reply(response, 200, { kind: "List", metadata, items: all.slice(from, from + limit) });
  }

  #watch(path: string, query: URLSearchParams, response: ServerResponse): void {
    const initial = query.get("sendInitialEvents") === "true";
    const since = Number(query.get("resourceVersion"));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (!initial && since < this.#compactedVersion) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    if (initial) {
      for (const [key, object] of this.#objects) {
        if (isIn(path, key)) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
      }
      response.write(bookmark(this.#version, { "k8s.io/initial-events-end": "true" }));
    } else {
      for (const { version, path: key, line } of this.#log) {
        if (version > since && isIn(path, key)) response.write(line);
      }
    }
    const watcher = { prefix: path, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }

  /** Sends every open watch a bookmark. */
  bookmark(): void {
    this.writeToWatches(bookmark(this.#version, {}));
  }
}

/** Whether an object's path is in a collection's, whose namespace may be left open. */
function isIn(collection: string, path: string): boolean {
  const parts = /^(.*?)\/([^/]+)$/.exec(collection);
  if (path.startsWith(`${collection}/`)) return true;
  const [, root = "", plural = ""] = parts ?? [];
  return path.startsWith(`${root}/namespaces/`) && path.split("/").at(-2) === plural;
}

function bookmark(version: number, annotations: Readonly<Record<string, string>>): string {
  const object = { metadata: { resourceVersion: `${version}`, annotations } };
  return `${JSON.stringify({ type: "BOOKMARK", object })}\n`;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, reason: string): void {
  reply(response, code, { kind: "Status", code, reason, message: `refused: ${reason}` });
}
