/** The listener for probes and scrapers; nothing else is on it. */
import type { FastifyInstance } from "fastify";
import type { Metrics, Readiness } from "../runtime/index.ts";
import { closeServer, createServer, listenOn, type ServerComponents } from "./http-server.ts";

/** What the admin listener works with. */
export interface AdminComponents extends ServerComponents {
  readonly readiness: () => Readiness;
  /** What `/metrics` exposes. */
  readonly exposition: Pick<Metrics, "expose" | "contentType">;
}

/** `/healthz`, `/readyz`, `/metrics`. */
export class AdminServer {
  /** For tests that inject calls. */
  readonly app: FastifyInstance;
  readonly #components: AdminComponents;

  constructor(components: AdminComponents) {
    this.#components = components;
    this.app = createServer(components);
    // Alive = this process answers; whether it can do its work is readyz.
    this.app.get("/healthz", async () => ({ status: "ok" }));
    this.app.get("/readyz", async (_request, reply) => {
      const { ready, reasons } = components.readiness();
      return reply.code(ready ? 200 : 503).send({ ready, reasons });
    });
    this.app.get("/metrics", async (_request, reply) => {
      const { contentType } = components.exposition;
      return reply.type(contentType).send(await components.exposition.expose());
    });
  }

  /** @returns the bound address. @throws {ApiError} `LISTEN_FAILED`. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{
    readonly host: string;
    readonly port: number;
  }> {
    return listenOn(this.app, address);
  }

  /** Stops listening. */
  close(): Promise<void> {
    return closeServer(this.app, this.#components.timers, 0);
  }
}
