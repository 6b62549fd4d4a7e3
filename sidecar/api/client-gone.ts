import type { FastifyReply } from "fastify";

/**
 * A signal that aborts when the client goes away before its answer is out.
 * @param onGone called once then, for what has to be undone.
 */
export function clientGone(reply: FastifyReply, onGone?: () => void): AbortSignal {
  const controller = new AbortController();
  let finished = false;
  reply.raw.once("finish", () => {
    finished = true;
  });
  reply.raw.once("close", () => {
    if (finished) return;
    controller.abort();
    onGone?.();
  });
  return controller.signal;
}
