/** HTTP over the sidecar's unix socket. What goes wrong on the way is an answer, not an exception. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { Pool, type Dispatcher } from "undici";

/** One call. */
export interface HttpCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** The sidecar may keep the call open this long before it answers, ms. @default 0 */
  readonly waitMs?: number;
}

/** An answer, or none. */
export type HttpAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** The parsed body, or undefined when it is no JSON. */
      readonly json: unknown;
      /** `Retry-After`, 0 when absent. */
      readonly retryAfterMs: number;
    }
  /** Nothing listens, the connection was cut, or the answer took too long: it may have been done. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** The call's own signal. */
  | { readonly kind: "aborted" }
  /** The call itself cannot be sent: a header value that HTTP does not allow. */
  | { readonly kind: "invalid"; readonly reason: string };

/** An event stream. */
export interface StreamCall {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  readonly onEvent: (event: EventSourceMessage) => void;
}

/** Most that one answer or one event may hold; a message of 16 MiB is 22 MiB as base64. */
const answerLimitBytes = 64 * 2 ** 20;
/** A sidecar that takes longer than this beyond the wait it was asked for is stuck. */
const answerTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;
/** Connections of short calls; further calls wait in the pool. */
const callConnections = 16;

/** The client of one socket. */
export class SidecarHttp {
  readonly #calls: Pool;
  /** Streams and waiting calls hold their connections, so they have their own. */
  readonly #held: Pool;

  constructor(socketPath: string) {
    const options = {
      connect: { socketPath, timeout: connectTimeoutMs },
      maxResponseSize: answerLimitBytes,
    };
    this.#calls = new Pool("http://sidecar", { ...options, connections: callConnections });
    // Streams are never at an end: no bound for the whole, one for each event (see `stream`).
    this.#held = new Pool("http://sidecar", { ...options, connections: null, maxResponseSize: -1 });
  }

  /** Sends one call and reads its answer. Never rejects. */
  async call(call: HttpCall): Promise<HttpAnswer> {
    const pool = call.waitMs === undefined ? this.#calls : this.#held;
    try {
      const response = await pool.request({
        method: call.method,
        path: call.path,
        headers: { accept: "application/json", ...call.headers },
        body: call.body ?? null,
        signal: call.signal ?? null,
        headersTimeout: (call.waitMs ?? 0) + answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      });
      const text = await response.body.text();
      return {
        kind: "answered",
        status: response.statusCode,
        json: parseJson(text),
        retryAfterMs: retryAfterMs(response),
      };
    } catch (error) {
      return failedCall(error, call.signal);
    }
  }

  /**
   * Reads an event stream until it ends. Never rejects.
   * @returns how it ended; `answered` with the status when it was refused or the sidecar closed it.
   */
  async stream(call: StreamCall): Promise<HttpAnswer> {
    try {
      const response = await this.#held.request({
        method: "GET",
        path: call.path,
        headers: { accept: "text/event-stream", ...call.headers },
        signal: call.signal,
        headersTimeout: answerTimeoutMs,
        // The sidecar sends comments when it has nothing to say; silence is not an error here.
        bodyTimeout: 0,
      });
      if (response.statusCode !== 200) {
        const json = parseJson(await response.body.text());
        const status = response.statusCode;
        return { kind: "answered", status, json, retryAfterMs: retryAfterMs(response) };
      }
      call.onOpen();
      const parser = createParser({ onEvent: call.onEvent, maxBufferSize: answerLimitBytes });
      response.body.setEncoding("utf8");
      for await (const chunk of response.body) {
        parser.feed(String(chunk));
      }
      return { kind: "answered", status: 200, json: undefined, retryAfterMs: 0 };
    } catch (error) {
      return failedCall(error, call.signal);
    }
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#held.destroy()]);
  }
}

function retryAfterMs(response: Dispatcher.ResponseData): number {
  const seconds = Number(response.headers["retry-after"] ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failedCall(error: unknown, signal: AbortSignal | undefined): HttpAnswer {
  const reason = error instanceof Error ? error.message : String(error);
  if (signal?.aborted === true) {
    return { kind: "aborted" };
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "UND_ERR_INVALID_ARG" || code === "ERR_INVALID_CHAR"
    ? { kind: "invalid", reason }
    : { kind: "unreachable", reason };
}
