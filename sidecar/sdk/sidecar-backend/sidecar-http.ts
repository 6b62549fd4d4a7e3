/** HTTP over the sidecar's unix socket. What goes wrong on the way is an answer, no exception. */
import type { IncomingHttpHeaders } from "node:http";
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
  /**
   * Which connections carry it: `short` calls share a few; `add`s have as many of their own, since
   * a full queue may hold them; `held` calls wait for something and take one each. @default short
   */
  readonly lane?: "short" | "add" | "held";
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
      /** The body when it is a binary message. */
      readonly message: Uint8Array | undefined;
      /** Headers in lower case. */
      readonly headers: IncomingHttpHeaders;
      /** `Retry-After`, 0 when absent. */
      readonly retryAfterMs: number;
    }
  /** Nothing listens, the connection was cut, or the answer is late: it may have been done. */
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
/** A stream says something every 15 s, a comment if nothing else; one that does not is dead. */
const silenceLimitMs = 45_000;
/** Connections of a lane of calls; further calls wait in the pool. */
const laneConnections = 16;

/** The client of one socket. */
export class SidecarHttp {
  readonly #lanes: { readonly [L in NonNullable<HttpCall["lane"]>]: Pool };

  constructor(socketPath: string) {
    const connect = { socketPath, timeout: connectTimeoutMs };
    const lane = (connections: number | null): Pool =>
      new Pool("http://sidecar", { connect, connections });
    this.#lanes = { short: lane(laneConnections), add: lane(laneConnections), held: lane(null) };
  }

  /** Sends one call and reads its answer. Never rejects. */
  async call(call: HttpCall): Promise<HttpAnswer> {
    try {
      const response = await this.#lanes[call.lane ?? "short"].request({
        method: call.method,
        path: call.path,
        headers: { accept: "application/json", ...call.headers },
        body: call.body ?? null,
        signal: call.signal ?? null,
        headersTimeout: (call.waitMs ?? 0) + answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      });
      return await answerOf(response);
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
      const response = await this.#lanes.held.request({
        method: "GET",
        path: call.path,
        headers: { accept: "text/event-stream", ...call.headers },
        signal: call.signal,
        headersTimeout: answerTimeoutMs,
        bodyTimeout: silenceLimitMs,
      });
      if (response.statusCode !== 200) {
        return await answerOf(response);
      }
      call.onOpen();
      const parser = createParser({ onEvent: call.onEvent, maxBufferSize: answerLimitBytes });
      response.body.setEncoding("utf8");
      for await (const chunk of response.body) {
        parser.feed(String(chunk));
      }
      const { headers } = response;
      return ended(200, { headers, json: undefined, message: undefined });
    } catch (error) {
      return failedCall(error, call.signal);
    }
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.destroy()));
  }
}

type Answered = Extract<HttpAnswer, { readonly kind: "answered" }>;

function ended(status: number, content: Pick<Answered, "headers" | "json" | "message">): Answered {
  const seconds = Number(content.headers["retry-after"] ?? 0);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
  return { kind: "answered", status, retryAfterMs, ...content };
}

/** Reads the body. @throws {Error} when the connection is cut or the body is over its bound. */
async function answerOf(response: Dispatcher.ResponseData): Promise<Answered> {
  const { headers, statusCode } = response;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body) {
    if (chunk instanceof Uint8Array) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
    }
    if (sizeBytes > answerLimitBytes) {
      throw new Error(`an answer of more than ${answerLimitBytes} bytes`);
    }
  }
  const body = Buffer.concat(chunks);
  return headers["content-type"] === "application/x-protobuf"
    ? ended(statusCode, { headers, json: undefined, message: body })
    : ended(statusCode, { headers, json: parseJson(body.toString()), message: undefined });
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
