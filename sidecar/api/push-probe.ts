import { connect } from "node:net";
import type { Timers } from "../runtime/index.ts";
import type { ApplicationObstacle } from "./ports.ts";
import { exchange } from "./push-exchange.ts";

/** What is asked of the application's port. */
export interface PushProbe {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Path that answers 2xx when the application is ready; empty: a TCP connection is enough. */
  readonly readyPath: string;
  readonly signal: AbortSignal;
}

/** A probe that takes longer has failed. */
const probeTimeoutMs = 2_000;

/** @returns why the application takes no items; undefined when it does. */
export async function probePort(
  probe: PushProbe,
  timers: Timers,
): Promise<ApplicationObstacle | undefined> {
  const late = new AbortController();
  const cancel = timers.after(probeTimeoutMs, () => {
    late.abort();
  });
  const signal = AbortSignal.any([probe.signal, late.signal]);
  try {
    return await (probe.readyPath === ""
      ? probeTcp(probe.port, signal)
      : probeHttp(probe, signal, timers));
  } finally {
    cancel();
  }
}

function probeTcp(port: number, signal: AbortSignal): Promise<ApplicationObstacle | undefined> {
  const { promise, resolve } = Promise.withResolvers<ApplicationObstacle | undefined>();
  const socket = connect({ host: "127.0.0.1", port });
  const finish = (refusal: ApplicationObstacle | undefined): void => {
    signal.removeEventListener("abort", refuse);
    socket.destroy();
    resolve(refusal);
  };
  const refuse = (): void => {
    finish(notListening(port));
  };
  socket.once("connect", () => {
    finish(undefined);
  });
  socket.on("error", refuse);
  signal.addEventListener("abort", refuse, { once: true });
  return promise;
}

async function probeHttp(
  { port, readyPath }: PushProbe,
  signal: AbortSignal,
  timers: Timers,
): Promise<ApplicationObstacle | undefined> {
  const headers = { connection: "close" };
  const maxBodyBytes = 64 * 1024;
  const question = { method: "GET", port, path: readyPath, headers, body: undefined } as const;
  const answer = await exchange({ ...question, maxBodyBytes, signal }, timers);
  if (answer.kind !== "answered") return notListening(port);
  const { status } = answer;
  return status >= 200 && status < 300
    ? undefined
    : notReady(port, `application not ready: ${readyPath} answers ${String(status)}`);
}

/** Nothing accepts a connection. */
export function notListening(port: number): ApplicationObstacle {
  const detail = `application not listening on port ${String(port)}`;
  return { kind: "notListening", port, detail };
}

/** It says that it is not ready, or was not asked yet. */
export function notReady(port: number, detail: string): ApplicationObstacle {
  return { kind: "notReady", port, detail };
}
