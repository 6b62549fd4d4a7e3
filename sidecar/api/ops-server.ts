/** The listener for operators, on loopback: peers, one item, drain. */
import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { closeServer, createServer, listenOn, type ServerComponents } from "./http-server.ts";
import { itemJson } from "./item-json.ts";
import { pageOf, type PageQuery } from "./page.ts";
import type { NodeService } from "./ports.ts";
import { sendProblem } from "./problem.ts";
import { closedObject, pageQuerySchema, tokenSchema } from "./schemas.ts";

/** What the ops listener works with. */
export interface OpsComponents extends ServerComponents {
  readonly node: Pick<NodeService, "peers" | "drain" | "item" | "contractOf">;
}

/** `/v1/peers`, `/v1/items/{ticket}`, `POST /v1/drain`. */
export class OpsServer {
  /** For tests that inject calls. */
  readonly app: FastifyInstance;
  readonly #components: OpsComponents;

  constructor(components: OpsComponents) {
    this.#components = components;
    this.app = createServer(components);
    refuseWebPages(this.app);
    this.#peers();
    this.#item();
    this.app.post("/v1/drain", async () => {
      await components.node.drain();
      return { drained: true };
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

  #item(): void {
    const { node } = this.#components;
    this.app.get<{ Params: { ticket: string } }>(
      "/v1/items/:ticket",
      { schema: { params: closedObject({ ticket: tokenSchema }, ["ticket"]) } },
      async (request, reply) => {
        const found = node.item(request.params.ticket);
        return found.ok
          ? reply.send(itemJson(found.value, node))
          : sendProblem(reply, found.refusal);
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
