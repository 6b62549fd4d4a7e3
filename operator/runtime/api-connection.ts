/**
 * One connection pool to one API server: adds credentials, bounds time and size, translates what
 * fails. Knows nothing of resources. HTTP/1.1 on purpose: a watch has a connection of its own, so a
 * stalled one stalls nothing else.
 */
import { Agent, ProxyAgent, type Dispatcher } from "undici";
import { ApiError, errorOfConnection } from "./api-error.ts";
import { ApiExchange, type StreamSink, type WireAnswer, writeRefused } from "./api-exchange.ts";
import type { Credentials, ResolvedCredentials, TlsOptions } from "./credentials.ts";
import type { Clock, Surroundings, Timers } from "./ports.ts";
import { RequestDeadline } from "./request-deadline.ts";

/** Verbs of HTTP that the API knows. */
export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request, once. */
export interface WireRequest {
  readonly method: HttpMethod;
  /** Path with its query. */
  readonly path: string;
  /** Body with its media type. */
  readonly body?: { readonly text: string; readonly contentType: string } | undefined;
  /** Until the answer has begun, and for `whole` until it is, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked at the last moment, when a connection is there: false refuses the request. */
  readonly mayWrite?: (() => boolean) | undefined;
  /** Makes the value of an answer below 300 of its text; what it throws is thrown. */
  readonly read?: ((text: string) => unknown) | undefined;
}

/** Connections at most, those of watches included. */
const maxConnections = 128;

/** Kubelets renew tokens well before their end; client-go reads them as often. */
const credentialsLifeMs = 60_000;

const connectTimeoutMs = 10_000;

interface Pool {
  readonly tls: TlsOptions;
  readonly dispatcher: Dispatcher;
}

interface Held {
  readonly resolved: ResolvedCredentials;
  readonly readAtMs: number;
}

/** A pool of connections with the credentials of the moment. */
export class ApiConnection {
  /** Host and port, for metrics. */
  readonly host: string;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #origin: string;
  /** What comes before each path: an API server may live below one. */
  readonly #prefix: string;
  #held: Held | undefined;
  #resolving: Promise<ResolvedCredentials> | undefined;
  #pool: Pool | undefined;
  #closed = false;

  /** @throws {ApiError} `CREDENTIALS_INVALID` for an address that is none. */
  constructor(credentials: Credentials, { clock, timers }: Pick<Surroundings, "clock" | "timers">) {
    const url = URL.parse(credentials.server);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const message = `server ${credentials.server} is no http or https address`;
      throw new ApiError("CREDENTIALS_INVALID", message);
    }
    this.#credentials = credentials;
    this.#clock = clock;
    this.#timers = timers;
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/+$/, "");
    this.host = url.host;
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws {ApiError} for everything but an answer.
   */
  whole(wire: WireRequest): Promise<WireAnswer> {
    return this.#exchange(wire, undefined);
  }

  /**
   * Sends a request and hands out the answer's bytes as they come, if its status is 200.
   * @param sink gets the status, then each piece; what it throws ends the request.
   * @returns an answer of another status, whole; undefined when the stream has ended.
   * @throws {ApiError} for everything else.
   */
  async stream(wire: WireRequest, sink: StreamSink): Promise<WireAnswer | undefined> {
    const answer = await this.#exchange(wire, sink);
    return answer.status === 200 ? undefined : answer;
  }

  /** The next request reads the credentials anew: the server did not take the last ones. */
  distrustCredentials(): void {
    this.#held = undefined;
  }

  /** Ends every request; final. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.dispatcher.destroy();
  }

  async #exchange(wire: WireRequest, sink: StreamSink | undefined): Promise<WireAnswer> {
    const { mayWrite, read, timeoutMs, signal } = wire;
    const exchange = new ApiExchange({
      mayWrite,
      read,
      sink: sink && {
        onStatus: (status) => {
          if (status === 200) deadline.stopTimer();
          sink.onStatus(status);
        },
        onChunk: (chunk) => {
          sink.onChunk(chunk);
        },
      },
    });
    const deadline = new RequestDeadline({
      timers: this.#timers,
      timeoutMs,
      signal,
      onOver: () => {
        exchange.end(new Error("over"));
      },
    });
    try {
      // The credentials are waited for no longer than the answer.
      await Promise.race([this.#send(wire, { exchange, deadline }), exchange.answer]);
      return await exchange.answer;
    } catch (error) {
      throw this.#translate(error, wire, deadline);
    } finally {
      deadline.end();
    }
  }

  async #send(
    { method, path, body, mayWrite }: WireRequest,
    { exchange, deadline }: { readonly exchange: ApiExchange; readonly deadline: RequestDeadline },
  ): Promise<void> {
    const { headers, tls } = this.#fresh() ?? (await this.#resolve());
    if (deadline.aborted || deadline.expired) throw new Error("over");
    if (this.#closed) throw new ApiError("ABORTED", "the client is closed", { unsent: true });
    if (mayWrite?.() === false) throw writeRefused();
    const request = {
      origin: this.#origin,
      path: this.#prefix + path,
      method,
      headers: {
        ...headers,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": body.contentType }),
      },
      body: body?.text ?? null,
      // Our own clocks bound requests, and a watch is silent for minutes.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    this.#poolFor(tls).dispatch(request, exchange);
  }

  #fresh(): ResolvedCredentials | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    return this.#clock.nowMs() - held.readAtMs < credentialsLifeMs ? held.resolved : undefined;
  }

  async #resolve(): Promise<ResolvedCredentials> {
    // One reading for all who ask meanwhile: an exec plug-in would be started for each of them.
    this.#resolving ??= this.#credentials.resolve().finally(() => {
      this.#resolving = undefined;
    });
    const resolved = await this.#resolving;
    this.#held = { resolved, readAtMs: this.#clock.nowMs() };
    return resolved;
  }

  /** The pool of these TLS settings. A changed certificate gets a new one; old requests end. */
  #poolFor(tls: TlsOptions): Dispatcher {
    const known = this.#pool;
    // Mostly the very same record; one that was read anew seldom differs.
    if (known?.tls === tls) return known.dispatcher;
    if (known !== undefined && JSON.stringify(known.tls) === JSON.stringify(tls)) {
      this.#pool = { tls, dispatcher: known.dispatcher };
      return known.dispatcher;
    }
    const dispatcher = this.#createPool(tls);
    this.#pool = { tls, dispatcher };
    // Requests in flight end by themselves; watches are ended by the server within minutes.
    void known?.dispatcher.close().catch(() => undefined);
    return dispatcher;
  }

  #createPool(tls: TlsOptions): Dispatcher {
    const { proxy } = this.#credentials;
    const settings = { connections: maxConnections, allowH2: false };
    const connect = { ...tls, timeout: connectTimeoutMs, keepAlive: true };
    if (proxy === undefined) return new Agent({ ...settings, connect });
    return new ProxyAgent({ ...settings, uri: proxy, requestTls: connect });
  }

  #translate(error: unknown, wire: WireRequest, deadline: RequestDeadline): ApiError {
    if (error instanceof ApiError) return error;
    const name = nameOf(wire);
    const facts = { cause: error };
    if (this.#closed) return new ApiError("ABORTED", `${name}: the client is closed`, facts);
    if (deadline.aborted) return new ApiError("ABORTED", `${name}: ended by its caller`, facts);
    if (!deadline.expired) return errorOfConnection(error, name);
    return new ApiError("TIMEOUT", `${name}: no answer within ${wire.timeoutMs} ms`, facts);
  }
}

/** A request in a sentence: without its query, which may hold a continue token. */
function nameOf({ method, path }: WireRequest): string {
  return `${method} ${path.split("?", 1)[0] ?? ""}`;
}
