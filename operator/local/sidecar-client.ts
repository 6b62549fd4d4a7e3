/** Asks a sidecar: its application API over the unix socket, its operations over loopback. */
import { Agent, request } from "undici";

/** Where an operations listener is. */
export interface OpsAddress {
  readonly host: string;
  readonly port: number;
}

/** An answer, or why there is none (one clause). */
export type Answer =
  | { readonly ok: true; readonly status: number; readonly body: unknown }
  | { readonly ok: false; readonly reason: string };

/** A call. */
export interface Call {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** Longest time for the whole answer, ms. */
  readonly timeoutMs: number;
}

/** Longest answer that is read, bytes. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Calls the application API. */
export async function callApp(socketPath: string, call: Call): Promise<Answer> {
  return send("http://sidecar", call, new Agent({ connect: { socketPath } }));
}

/** Calls the operations listener. */
export async function callOps({ host, port }: OpsAddress, call: Call): Promise<Answer> {
  return send(`http://${host}:${port}`, call, new Agent());
}

/**
 * Asks a sidecar to drain and waits until it has, or the time is over, or it is gone: each is as
 * good as the others to whoever ends it next.
 */
export async function drainSidecar(ops: OpsAddress, withinMs: number): Promise<void> {
  await callOps(ops, { method: "POST", path: "/v1/drain", timeoutMs: withinMs });
}

async function send(origin: string, call: Call, dispatcher: Agent): Promise<Answer> {
  try {
    const { statusCode, body } = await request(`${origin}${call.path}`, {
      dispatcher,
      method: call.method,
      headers: {
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      body: call.body ?? null,
      signal: AbortSignal.timeout(call.timeoutMs),
      headersTimeout: call.timeoutMs,
      bodyTimeout: call.timeoutMs,
    });
    let text = "";
    for await (const chunk of body.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > maxAnswerBytes) throw new Error("its answer is too long");
    }
    return { ok: true, status: statusCode, body: parse(text) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await dispatcher.destroy();
  }
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
