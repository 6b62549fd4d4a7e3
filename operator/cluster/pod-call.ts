/** HTTP over a port forward. */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { type Answer, bodyOf, type Call, maxAnswerBytes } from "../inspect/index.ts";
import { ClusterError } from "./cluster-error.ts";

/** Opens one connection to the operations listener of a pod. */
export type OpenConnection = () => Promise<Duplex>;

/** A name that says nothing: the listener takes calls by address only. */
const host = "127.0.0.1:17080";

/**
 * Asks over a connection of its own.
 * @throws {ClusterError} what holds for every pod alike; all else is an answer without `ok`.
 */
export async function callPod(open: OpenConnection, call: Call): Promise<Answer> {
  const late = AbortSignal.timeout(call.timeoutMs);
  let stream: Duplex | undefined;
  try {
    stream = await within(open(), late);
    return await exchange(stream, call, late);
  } catch (error) {
    if (error instanceof ClusterError) {
      if (error.isGeneral) throw error;
      return { ok: false, reason: error.text, remedy: error.remedy };
    }
    if (late.aborted) {
      return { ok: false, reason: `no answer within ${String(call.timeoutMs)} ms` };
    }
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    stream?.destroy();
  }
}

async function exchange(stream: Duplex, call: Call, signal: AbortSignal): Promise<Answer> {
  // An agent that is given its one connection: without it node:http would dial.
  const agent = new Agent({ keepAlive: false });
  agent.createConnection = () => stream;
  const { method, path, body = "", headers } = call;
  const asked = request({
    agent,
    method,
    path,
    signal,
    headers: {
      host,
      connection: "close",
      ...(body === ""
        ? {}
        : {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(body)),
          }),
      ...headers,
    },
  });
  asked.end(body);
  const answer = await answerOf(asked, stream);
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > maxAnswerBytes) throw new Error("its answer is too long");
  }
  return { ok: true, status: answer.statusCode ?? 0, body: bodyOf(text) };
}

/** The error of the stream says more than the "socket hang up" that node:http makes of it. */
function answerOf(asked: ClientRequest, stream: Duplex): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once("response", resolve);
    stream.once("error", reject);
    asked.once("error", (error) => {
      reject(stream.errored ?? error);
    });
  });
}

/** Gives up waiting for a connection; one that comes later is dropped. */
async function within(opening: Promise<Duplex>, late: AbortSignal): Promise<Duplex> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    reject(new Error("late"));
  };
  late.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([opening, promise]);
  } catch (error) {
    opening.then(
      (stream) => stream.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    late.removeEventListener("abort", giveUp);
  }
}
