/** The web program: takes images over HTTP and sends each out as a work item. */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { CML, Demand, type Outcome } from "spillway";
import { type Thumbnail, ThumbnailRequestSchema, ThumbnailSchema } from "./gen/thumbnail_pb.ts";
import { droppedLimitBytes, fileLimitBytes, waitLimitMs, widthRange } from "./limits.ts";
import { requiredVariable, runUntilSignal } from "./program.ts";

const port = Number(requiredVariable("PORT"));

CML.Config.useSidecar(requiredVariable("SPILLWAY_SOCKET"));
CML.Config.onWarning((warning) => console.error(`${warning.code}: ${warning.message}`));

const demand = new Demand({
  name: "thumbnails",
  request: ThumbnailRequestSchema,
  response: ThumbnailSchema,
});
demand.announce();

/** HTTP status of each reason a worker gives; anything else is a fault on this side. */
const statusByCode: Readonly<Record<string, number>> = {
  NOT_AN_IMAGE: 415,
  FORMAT_NOT_TAKEN: 415,
  TOO_MANY_PIXELS: 413,
  TOO_TALL: 413,
  DAMAGED_IMAGE: 422,
};

const app = fastify({ forceCloseConnections: "idle" });

// Whatever a browser or curl calls the body, it is the bytes of a file.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", (_request: FastifyRequest, payload: IncomingMessage) =>
  readFile(payload),
);

/**
 * Reads an upload. What is too large is read to its end and dropped, up to a bound: a client that
 * is cut off while it sends does not get to see the reason.
 * @returns the file, or its size when that is over the bound.
 */
async function readFile(payload: AsyncIterable<Buffer>): Promise<Buffer | number> {
  let chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of payload) {
    sizeBytes += chunk.length;
    if (sizeBytes <= fileLimitBytes) {
      chunks.push(chunk);
    } else {
      chunks = [];
    }
    if (sizeBytes > droppedLimitBytes) {
      break;
    }
  }
  return sizeBytes > fileLimitBytes ? sizeBytes : Buffer.concat(chunks);
}

const pageFiles: readonly (readonly [url: string, file: string, type: string])[] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page.css", "page.css", "text/css; charset=utf-8"],
  ["/page.js", "page.js", "text/javascript; charset=utf-8"],
];
for (const [url, file, type] of pageFiles) {
  const content = readFileSync(join(import.meta.dirname, "page", file));
  app.get(url, (_request, reply) =>
    reply
      .type(type)
      .header("content-security-policy", "default-src 'self'; img-src 'self' blob: data:")
      .header("x-content-type-options", "nosniff")
      .send(content),
  );
}

app.post<{ Querystring: { width?: string; name?: string } }>(
  "/thumbnails",
  async (request, reply) => {
    const unknown = Object.keys(request.query).find((key) => key !== "width" && key !== "name");
    if (unknown !== undefined) {
      const detail = `${unknown.slice(0, 100)} is no parameter; there are width and name.`;
      return refuse(reply, 400, "UNKNOWN_PARAMETER", detail);
    }
    if (request.headers["content-type"]?.startsWith("multipart/") === true) {
      const detail = "Send the bytes of the file alone: curl --data-binary @FILE, not -F.";
      return refuse(reply, 415, "MULTIPART_NOT_TAKEN", detail);
    }
    const width = Number(request.query.width ?? 256);
    if (!Number.isInteger(width) || width < widthRange.min || width > widthRange.max) {
      const detail = `width ${request.query.width} is not a whole number from ${widthRange.min} to ${widthRange.max}.`;
      return refuse(reply, 400, "WIDTH_OUT_OF_RANGE", detail);
    }
    if (typeof request.body === "number") {
      const detail = `The file is larger than ${fileLimitBytes / 1_048_576} MiB; send a smaller one.`;
      return refuse(reply, 413, "FILE_TOO_LARGE", detail);
    }
    if (!(request.body instanceof Buffer) || request.body.length === 0) {
      return refuse(reply, 400, "NO_IMAGE", "The body is empty; send the bytes of an image file.");
    }
    const name = (request.query.name ?? "").slice(0, 200);
    // Nobody waits any more: no worker needs to make it.
    const over = new AbortController();
    const stop = (): void => over.abort();
    reply.raw.once("close", stop);
    const limit = setTimeout(stop, waitLimitMs);
    try {
      const outcome = await outcomeOf({ image: request.body, width, name }, over.signal);
      return answer(reply, outcome);
    } finally {
      clearTimeout(limit);
      reply.raw.off("close", stop);
    }
  },
);

app.get("/thumbnails", (_request, reply) =>
  refuse(
    reply.header("allow", "POST"),
    405,
    "METHOD_NOT_ALLOWED",
    "Send an image here by POST; the page is at GET /.",
  ),
);

/** Adds the item; again when its queue was lost with a sidecar: making it twice harms nobody. */
async function outcomeOf(
  request: { image: Buffer; width: number; name: string },
  signal: AbortSignal,
): Promise<Outcome<Thumbnail>> {
  for (;;) {
    const ticket = demand.addWorkItem(request);
    const cancel = (): void => ticket.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) {
      cancel();
    }
    const outcome = await ticket.outcome;
    signal.removeEventListener("abort", cancel);
    if (outcome.kind !== "system" || outcome.system.code !== "QUEUE_LOST" || signal.aborted) {
      return outcome;
    }
  }
}

function answer(reply: FastifyReply, outcome: Outcome<Thumbnail>): FastifyReply {
  switch (outcome.kind) {
    case "result": {
      const { image, width, height, madeBy } = outcome.result;
      return reply
        .type("image/webp")
        .header("thumbnail-made-by", madeBy)
        .header("thumbnail-size", `${width}x${height}`)
        .header("cache-control", "no-store")
        .send(Buffer.from(image));
    }
    case "error": {
      const { code, message } = outcome.error;
      return refuse(reply, statusByCode[code] ?? 502, code, message);
    }
    case "system": {
      const { code, message } = outcome.system;
      return code === "CANCELLED"
        ? refuse(reply, 504, "NO_WORKER", `No worker finished within ${waitLimitMs / 1_000} s.`)
        : refuse(reply, 503, code, message);
    }
  }
}

function refuse(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  return reply
    .code(status)
    .type("application/problem+json")
    .send(JSON.stringify({ status, code, detail }));
}

app.setErrorHandler((error: Error, _request, reply) => {
  console.error(error);
  return refuse(reply, 500, "INTERNAL", "The web program failed; its output says more.");
});

app.setNotFoundHandler((request, reply) =>
  refuse(
    reply,
    404,
    "NO_SUCH_PAGE",
    `${request.method} ${request.url} is nothing here; try GET /.`,
  ),
);

await app.listen({ host: "127.0.0.1", port });
console.log(`the page is on http://127.0.0.1:${port}`);

runUntilSignal(async () => {
  // Requests that are open get their answers first, as far as those come in time.
  const limit = setTimeout(() => app.server.closeAllConnections(), 3_000);
  await app.close();
  clearTimeout(limit);
  await demand.close({ graceMs: 1_000 });
});
