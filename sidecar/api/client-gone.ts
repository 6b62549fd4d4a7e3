import type { FastifyReply } from "fastify";

/**
 * A signal that aborts when the client goes away before its answer is out.
 * @param onGone called once then, for what has to be undone.
 */
export function clientGone(reply: FastifyReply, onGone?: () => void): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) {
      controller.abort();
      onGone?.();
    }
  });
  return controller.signal;
}
