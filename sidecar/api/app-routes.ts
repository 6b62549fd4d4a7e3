/** Every route of the application interface, for the server and for the OpenAPI document alike. */
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./api-context.ts";
import { batchRoute } from "./batch-route.ts";
import { boundBodies, takeJson, takePayloads } from "./body-parsers.ts";
import { capabilityRoutes } from "./capability-routes.ts";
import { demandRoutes } from "./demand-routes.ts";
import { addRoute, itemRoutes } from "./item-routes.ts";
import { completeRoute, leaseRoutes } from "./lease-routes.ts";
import { PresenceBook } from "./presence-book.ts";

/** Registers the routes; those that take payloads in a scope of their own. */
export async function appRoutes(app: FastifyInstance, context: ApiContext): Promise<void> {
  const presences = new PresenceBook(context.node);
  await app.register(async (payloads) => {
    takePayloads(payloads);
    boundBodies(payloads);
    addRoute(payloads, context);
    completeRoute(payloads, context, presences);
  });
  await app.register(async (batches) => {
    takeJson(batches);
    boundBodies(batches);
    batchRoute(batches, context);
  });
  await app.register(async (others) => {
    takeJson(others);
    itemRoutes(others, context);
    demandRoutes(others, context);
    capabilityRoutes(others, context, presences);
    leaseRoutes(others, context, presences);
  });
}
