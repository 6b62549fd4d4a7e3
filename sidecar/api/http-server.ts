/** What the listeners share: bounds, time limits, problems for everything that is refused. */
import type { Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import type { Logger, Timers } from "../runtime/index.ts";
import { ApiError } from "./api-error.ts";
import { refusalOfError } from "./error-refusal.ts";
import { LazyValidators, withoutDefaultCompilers } from "./lazy-validators.ts";
import { apiLimits } from "./limits.ts";
import { problemBody, problemMediaType, sendProblem } from "./problem.ts";
import type { ApiMetrics } from "./api-context.ts";
import type { Refusal } from "./problem-code.ts";

/** What a listener works with. */
export interface ServerComponents {
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  readonly timers: Timers;
}

/** Makes an instance without routes. */
export function createServer(components: ServerComponents): FastifyInstance {
  const app = fastify({
    bodyLimit: apiLimits.verbBodyBytes,
    requestTimeout: apiLimits.requestTimeoutMs,
    keepAliveTimeout: apiLimits.keepAliveMs,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    exposeHeadRoutes: false,
    http: {
      headersTimeout: apiLimits.headersTimeoutMs,
      connectionsCheckingInterval: apiLimits.timeoutCheckMs,
    },
    routerOptions: { maxParamLength: apiLimits.tokenLength * 3 },
    schemaController: withoutDefaultCompilers,
    clientErrorHandler: (error, socket) => {
      answerClientError(error.code, socket);
    },
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, refusalOfError(error, request));
    },
  });
  app.server.maxConnections = apiLimits.connections;
  new LazyValidators().attach(app);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  answerRefusals(app, components);
  cutSlowReaders(app, components);
  return app;
}

function answerRefusals(app: FastifyInstance, { logger }: ServerComponents): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOfError(error, request);
    if (refusal.code === "INTERNAL") {
      const route = request.routeOptions.url ?? "";
      logger.error({ err: error, method: request.method, route }, "a call failed by a bug");
    }
    return sendProblem(reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const detail =
      `No route ${request.method} ${path.slice(0, 200)}. ` +
      "The application interface lists its own at GET /v1/openapi.json.";
    return sendProblem(reply, { code: "UNKNOWN_ROUTE", detail });
  });
}

/** An answer must be taken within its time; event streams have their own rule. */
function cutSlowReaders(app: FastifyInstance, { metrics, timers }: ServerComponents): void {
  app.addHook("onSend", async (_request, reply, payload) => {
    const cancel = timers.after(apiLimits.answerTimeoutMs, () => {
      metrics.cutOff.inc({ kind: "answer" });
      reply.raw.destroy();
    });
    reply.raw.once("finish", cancel);
    reply.raw.once("close", cancel);
    return payload;
  });
}

/** What Node refuses before there is a request: answered by hand, then the connection ends. */
function answerClientError(code: string, socket: Socket): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemBody(clientErrorRefusal(code));
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${String(body.status)} ${body.title}`,
    `content-type: ${problemMediaType}`,
    `content-length: ${String(Buffer.byteLength(text))}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`, () => {
    socket.destroy();
  });
}

function clientErrorRefusal(code: string): Refusal {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT": {
      const detail = "The request was not complete in time. Send it at once.";
      return { code: "REQUEST_TIMEOUT", detail, bound: apiLimits.requestTimeoutMs };
    }
    case "HPE_HEADER_OVERFLOW":
      return { code: "HEADERS_TOO_LARGE", detail: "The headers are over 16 KiB. Send less." };
    default:
      return { code: "INVALID_ARGUMENT", detail: `The request is no HTTP/1.1 (${code}).` };
  }
}

/** Binds a TCP listener. @returns the bound address. @throws {ApiError} `LISTEN_FAILED`. */
export async function listenOn(
  app: FastifyInstance,
  address: { readonly host: string; readonly port: number },
): Promise<{ readonly host: string; readonly port: number }> {
  const { host, port } = address;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const where = `${host}:${String(port)}`;
    throw new ApiError("LISTEN_FAILED", `cannot listen on ${where}: ${reason}`, { cause });
  }
  const bound = app.server.address();
  return typeof bound === "object" && bound !== null ? { host, port: bound.port } : { host, port };
}

/**
 * Closes a listener: no new connections, idle ones end, answers under way get the grace.
 * @param graceMs after it every connection is cut.
 */
export async function closeServer(
  app: FastifyInstance,
  timers: Timers,
  graceMs: number,
): Promise<void> {
  const cancel = timers.after(graceMs, () => {
    app.server.closeAllConnections();
  });
  try {
    await app.close();
  } finally {
    cancel();
  }
}
