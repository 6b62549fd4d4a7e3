/** How bodies are taken: payloads as bytes, everything else as bounded JSON. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { nestedDeeperThan } from "../wire/contract.ts";
import { ApiError } from "./api-error.ts";
import { apiLimits } from "./limits.ts";
import { jsonMediaType, protobufMediaType } from "./media-type.ts";
import { sendProblem } from "./problem.ts";

/** Levels of nesting of a JSON body: those of a payload, inside those of a batch. */
const maxBodyDepth = 110;

/** Payload routes: the handler gets the bytes and converts them by the contract. */
export function takePayloads(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    [jsonMediaType, protobufMediaType],
    { parseAs: "buffer" },
    (_request, body, done) => {
      done(null, body);
    },
  );
}

/** Other routes: JSON; an absent body is an empty object. */
export function takeJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(jsonMediaType, { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
  app.addHook("preValidation", async (request) => {
    request.body ??= {};
  });
}

function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (nestedDeeperThan(bytes, maxBodyDepth)) {
    throw refused(`is nested deeper than ${String(maxBodyDepth)} levels`);
  }
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw refused(`is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refused(rule: string): ApiError {
  const detail = `The body ${rule}.`;
  return new ApiError("REFUSED", detail, { refusal: { code: "INVALID_ARGUMENT", detail } });
}

/**
 * Bounds the bodies that are being received at once, over all clients: a body counts from its head
 * (with its announced length, or the largest when it announces none) until its handler has it.
 */
export function boundBodies(app: FastifyInstance): void {
  const releases = new WeakMap<FastifyRequest, () => void>();
  let inFlightBytes = 0;
  app.addHook("onRequest", async (request, reply) => {
    const announced = Number(request.headers["content-length"] ?? apiLimits.jsonBodyBytes);
    const sizeBytes = Math.min(announced, apiLimits.jsonBodyBytes);
    if (inFlightBytes + sizeBytes > apiLimits.bodiesInFlightBytes) {
      const detail = "Too many large bodies are being received at once. Try again later.";
      const bound = apiLimits.bodiesInFlightBytes;
      return sendProblem(reply, { code: "TOO_MANY_WAITERS", detail, bound });
    }
    inFlightBytes += sizeBytes;
    let held = true;
    const release = (): void => {
      if (held) inFlightBytes -= sizeBytes;
      held = false;
    };
    releases.set(request, release);
    reply.raw.once("close", release);
    return undefined;
  });
  app.addHook("preHandler", async (request) => {
    releases.get(request)?.();
  });
}
