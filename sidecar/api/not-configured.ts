import type { FastifyInstance } from "fastify";
import type { NodeService } from "./ports.ts";
import { sendProblem } from "./problem.ts";

/** Until the first configuration every route answers NOT_CONFIGURED, never that it is unknown. */
export function refuseUnconfigured(
  app: FastifyInstance,
  node: Pick<NodeService, "configured">,
): void {
  app.addHook("onRequest", async (_request, reply) => {
    if (node.configured) return undefined;
    const detail = "The sidecar has no configuration yet. Try again shortly.";
    return sendProblem(reply, { code: "NOT_CONFIGURED", detail });
  });
}
