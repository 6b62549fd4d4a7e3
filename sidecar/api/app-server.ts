/** The application's listener: HTTP on a unix socket. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { FastifyInstance } from "fastify";
import type { ApiComponents, ApiContext } from "./api-context.ts";
import { ApiError } from "./api-error.ts";
import { appRoutes } from "./app-routes.ts";
import { StreamBook } from "./event-stream.ts";
import { closeServer, createServer } from "./http-server.ts";
import { refuseUnconfigured } from "./not-configured.ts";
import { renderOpenApi } from "./openapi.ts";
import { sendProblem } from "./problem.ts";

/** `sun_path` of Linux holds 108 bytes with its end. */
const maxSocketPathBytes = 107;

/** The application interface of one sidecar. */
export class AppServer {
  /** For tests that inject calls; `listen` serves the same. */
  readonly app: FastifyInstance;
  readonly #context: ApiContext;
  #closing = false;

  private constructor(app: FastifyInstance, context: ApiContext) {
    this.app = app;
    this.#context = context;
  }

  /** Makes the routes; nothing listens yet. */
  static async create(components: ApiComponents): Promise<AppServer> {
    const context: ApiContext = {
      ...components,
      streams: new StreamBook(components),
    };
    const server = new AppServer(createServer(components), context);
    server.#guard();
    await appRoutes(server.app, context);
    server.#openApi();
    await server.app.ready();
    return server;
  }

  /**
   * Listens on a unix socket, mode 0660. A socket file that nobody answers on is replaced.
   * @throws {ApiError} `LISTEN_FAILED` naming path and cause.
   */
  async listen(socketPath: string): Promise<void> {
    const pathBytes = Buffer.byteLength(socketPath);
    if (pathBytes > maxSocketPathBytes) {
      const sizes = `${String(pathBytes)} bytes; at most ${String(maxSocketPathBytes)}`;
      throw new ApiError("LISTEN_FAILED", `the socket path ${socketPath} has ${sizes}`);
    }
    await removeLeftover(socketPath);
    try {
      await this.app.listen({ path: socketPath });
      // Until here the umask lets nobody but the owner connect; this only widens.
      chmodSync(socketPath, 0o660);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError("LISTEN_FAILED", `cannot listen on ${socketPath}: ${reason}`, { cause });
    }
  }

  /**
   * Ends every stream, refuses new calls with DRAINING, lets answers under way go out.
   * @param graceMs after it every connection is cut. @default 2,000
   */
  async close(graceMs = 2_000): Promise<void> {
    this.#closing = true;
    this.#context.streams.endAll();
    await closeServer(this.app, this.#context.timers, graceMs);
  }

  #guard(): void {
    const { node, metrics } = this.#context;
    this.app.addHook("onRequest", async (_request, reply) => {
      if (this.#closing) {
        return sendProblem(reply, { code: "DRAINING", detail: "The sidecar is ending." });
      }
      return undefined;
    });
    refuseUnconfigured(this.app, node);
    this.app.addHook("onResponse", async (request, reply) => {
      const route = request.routeOptions.url ?? "unknown";
      const status = String(reply.raw.statusCode);
      metrics.requests.inc({ route, method: request.method, status });
    });
  }

  #openApi(): void {
    let document: Promise<string> | undefined;
    this.app.get("/v1/openapi.json", async (_request, reply) => {
      document ??= renderOpenApi(this.#context);
      return reply.type("application/json").send(await document);
    });
  }
}

/** Removes a socket file whose process is gone. @throws {ApiError} when one answers on it. */
async function removeLeftover(socketPath: string): Promise<void> {
  const stat = lstatSync(socketPath, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new ApiError("LISTEN_FAILED", `${socketPath} is there and is no socket`);
  }
  if (await answers(socketPath)) {
    throw new ApiError("LISTEN_FAILED", `another process listens on ${socketPath}`);
  }
  unlinkSync(socketPath);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
