/**
 * The OpenAPI 3.1 document of the application interface, from the schemas that its routes check
 * with. Made at the first request by a second instance of the same routes that is never served, so
 * that the generator costs an idle sidecar nothing.
 */
import { fastify } from "fastify";
import type { ApiContext } from "./api-context.ts";
import { appRoutes } from "./app-routes.ts";

/** @returns the document as JSON text. Cost: some 50 ms and 5 MB, once. */
export async function renderOpenApi(context: ApiContext): Promise<string> {
  const { fastifySwagger } = await import("@fastify/swagger");
  const app = fastify({ exposeHeadRoutes: false });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Spillway, the sidecar's interface for applications",
        version: "1",
        description:
          "Errors are application/problem+json with a code of a closed list; durations are " +
          "written as 250ms, 5s, 1h30m; times are RFC 3339.",
      },
      servers: [{ url: "http://localhost", description: "Over the unix socket SPILLWAY_SOCKET." }],
    },
  });
  await appRoutes(app, context);
  await app.ready();
  const document = JSON.stringify(app.swagger());
  await app.close();
  return document;
}
