/**
 * One HTTP exchange with the application's port, on a connection of its own: a reset then always
 * belongs to this request, never to an idle connection that the application had closed before.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { Timers } from "../runtime/index.ts";

/** What is sent. */
export interface PushRequest {
  readonly method: "GET" | "POST";
  /** On 127.0.0.1. */
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** Bytes of the answer's body at most. */
  readonly maxBodyBytes: number;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

/** What came back. */
export type PushAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly contentType: string;
      /** `Retry-After` as it was sent. */
      readonly retryAfter: string | undefined;
      readonly body: Uint8Array;
    }
  /** No connection was made: the application cannot have seen the request. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The connection ended before the answer did: the application may have worked on it. */
  | { readonly kind: "lost"; readonly reason: string }
  /** The answer's body is over its bound. */
  | { readonly kind: "tooLarge"; readonly status: number }
  /** By the signal. */
  | { readonly kind: "aborted" };

/** A port that does not accept within this is taken for one that refuses. */
const connectTimeoutMs = 2_000;

/** Runs one exchange; never rejects. How long the answer may take is the signal's matter. */
export function exchange(push: PushRequest, timers: Timers): Promise<PushAnswer> {
  const { promise, resolve } = Promise.withResolvers<PushAnswer>();
  const { method, port, path, headers, signal } = push;
  if (signal.aborted) return Promise.resolve({ kind: "aborted" });
  let client: ClientRequest;
  try {
    client = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent: false });
  } catch (error) {
    // A path or header value that HTTP cannot say: nothing was sent.
    return Promise.resolve({ kind: "refused", reason: messageOf(error) });
  }
  let connected = false;
  const cancelTimeout = timers.after(connectTimeoutMs, () => {
    if (!connected) client.destroy(new Error("no connection in time"));
  });
  const abort = (): void => {
    finish({ kind: "aborted" });
    client.destroy();
  };
  const finish = (answer: PushAnswer): void => {
    cancelTimeout();
    signal.removeEventListener("abort", abort);
    resolve(answer);
  };
  signal.addEventListener("abort", abort, { once: true });
  client.once("socket", (socket) => {
    socket.once("connect", () => {
      connected = true;
    });
  });
  client.on("error", (error) => {
    finish({ kind: connected ? "lost" : "refused", reason: messageOf(error) });
  });
  client.once("response", (response) => {
    readAnswer(response, push.maxBodyBytes, (answer) => {
      finish(answer);
      client.destroy();
    });
  });
  client.end(push.body);
  return promise;
}

function readAnswer(
  response: IncomingMessage,
  maxBodyBytes: number,
  finish: (answer: PushAnswer) => void,
): void {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodyBytes) finish({ kind: "tooLarge", status });
    else chunks.push(chunk);
  });
  response.on("error", (error) => {
    finish({ kind: "lost", reason: messageOf(error) });
  });
  response.once("close", () => {
    if (!response.complete) {
      finish({ kind: "lost", reason: "the connection ended within the answer" });
      return;
    }
    finish({
      kind: "answered",
      status,
      contentType: response.headers["content-type"] ?? "",
      retryAfter: response.headers["retry-after"],
      body: Buffer.concat(chunks),
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
