/**
 * The listener for operators, on loopback: peers, drain, and what `spillway` asks through a port
 * forward: add one item, look at it, why it waits, demands and capabilities. Who may forward the
 * pod's ports may call it; nothing of a provider's, nothing that cancels or settles is here.
 */
import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ItemContext } from "./api-context.ts";
import { boundBodies, takePayloads } from "./body-parsers.ts";
import { listCapabilitiesRoute } from "./capability-routes.ts";
import { listDemandsRoute } from "./demand-routes.ts";
import { closeServer, createServer, listenOn, type ServerComponents } from "./http-server.ts";
import { addRoute, explainRoute, lookRoute } from "./item-routes.ts";
import { refuseUnconfigured } from "./not-configured.ts";
import { pageOf, type PageQuery } from "./page.ts";
import type { NodeService } from "./ports.ts";
import { sendProblem } from "./problem.ts";
import { pageQuerySchema } from "./schemas.ts";

/** What the ops listener works with. */
export interface OpsComponents extends ServerComponents {
  readonly node: ItemContext["node"] & Pick<NodeService, "configured" | "peers" | "drain">;
  /** Of the program. */
  readonly version: string;
}

/** See the head of the file. */
export class OpsServer {
  /** For tests that inject calls. */
  readonly app: FastifyInstance;
  readonly #components: OpsComponents;

  constructor(components: OpsComponents) {
    this.#components = components;
    this.app = createServer(components);
    refuseWebPages(this.app);
    this.#peers();
    this.app.get("/v1/version", async () => ({ version: components.version }));
    this.app.post("/v1/drain", async () => {
      await components.node.drain();
      return { drained: true };
    });
    // Loaded when the listener opens.
    void this.app.register(async (items) => {
      refuseUnconfigured(items, components.node);
      lookRoute(items, components);
      explainRoute(items, components);
      listDemandsRoute(items, components);
      listCapabilitiesRoute(items, components);
    });
    void this.app.register(async (payloads) => {
      refuseUnconfigured(payloads, components.node);
      takePayloads(payloads);
      boundBodies(payloads);
      addRoute(payloads, components);
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

  #peers(): void {
    this.app.get<{ Querystring: PageQuery }>(
      "/v1/peers",
      { schema: { querystring: pageQuerySchema } },
      async (request) => {
        const peers = this.#components.node.peers();
        const { entries, next } = pageOf(peers, ({ id }) => id, request.query);
        return { peers: entries, next };
      },
    );
  }
}

/**
 * A page in a browser of this machine can reach loopback: it is told by its `Origin`, and a name
 * that was made to point here (DNS rebinding) by a `Host` that is no address.
 */
function refuseWebPages(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.headers.origin === undefined && isLocalHost(request)) return undefined;
    const detail = "This listener is for programs of this machine. Call it by its IP address.";
    return sendProblem(reply, { code: "FORBIDDEN", detail });
  });
}

function isLocalHost({ hostname }: FastifyRequest): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || isIP(host) !== 0;
}
