/** HTTP over a unix socket for tests, with event streams read as they come. */
import { type IncomingMessage, request } from "node:http";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { onTestFinished } from "vitest";

/** A call. */
export interface SocketCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** An answer that was read to its end. */
export interface SocketAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Sends a call and reads the answer. */
export async function socketCall(socketPath: string, call: SocketCall): Promise<SocketAnswer> {
  const response = await open(socketPath, call).response;
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** An event stream that is open. */
export interface OpenStream {
  readonly status: number;
  readonly events: EventSourceMessage[];
  /** True once the server ended it. */
  readonly ended: () => boolean;
  /** Goes away. */
  close(): void;
}

/** Opens an event stream; it is closed when the test ends. */
export async function openStream(
  socketPath: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<OpenStream> {
  const { response, abort } = open(socketPath, { path, headers });
  const stream = await response;
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  let ended = false;
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => parser.feed(chunk));
  stream.on("close", () => (ended = true));
  stream.on("error", () => undefined);
  onTestFinished(abort);
  return { status: stream.statusCode ?? 0, events, ended: () => ended, close: abort };
}

/** A call that can be aborted. */
export function open(
  socketPath: string,
  { method = "GET", path, headers = {}, body }: SocketCall,
): { readonly response: Promise<IncomingMessage>; readonly abort: () => void } {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const client = request({ socketPath, method, path, headers, agent: false }, resolve);
  client.on("error", reject);
  client.end(body);
  // An aborted call rejects; who aborts does not look at it.
  promise.catch(() => undefined);
  return { response: promise, abort: () => void client.destroy() };
}
