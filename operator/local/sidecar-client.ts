/** Asks a sidecar of this machine: its operations listener on loopback. */
import { Agent, request } from "undici";
import { type Answer, bodyOf, type Call, maxAnswerBytes, type Place } from "../inspect/index.ts";
import type { RecordedProgram } from "./run-record.ts";

/** Where an operations listener is. */
export interface OpsAddress {
  readonly host: string;
  readonly port: number;
}

/** A sidecar of the record, as status, send and explain ask it. */
export function placeOf({ name, replica, nodeId, sidecar }: RecordedProgram): Place {
  const { ops } = sidecar;
  const notReady: Answer = { ok: false, reason: "it is not ready yet" };
  return {
    name: `${name}-${replica}`,
    nodeId,
    ask: async (call) => (ops === undefined ? notReady : await callOps(ops, call)),
  };
}

/**
 * Asks a sidecar to drain and waits until it has, or the time is over, or it is gone: each is as
 * good as the others to whoever ends it next.
 */
export async function drainSidecar(ops: OpsAddress, withinMs: number): Promise<void> {
  await callOps(ops, { method: "POST", path: "/v1/drain", timeoutMs: withinMs });
}

async function callOps({ host, port }: OpsAddress, call: Call): Promise<Answer> {
  const dispatcher = new Agent();
  try {
    const { statusCode, body } = await request(`http://${host}:${port}${call.path}`, {
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
    return { ok: true, status: statusCode, body: bodyOf(text) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await dispatcher.destroy();
  }
}
