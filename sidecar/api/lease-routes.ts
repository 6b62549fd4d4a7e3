/** The verbs that end a delivery, and the heartbeat. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ApiContext } from "./api-context.ts";
import { durationOf } from "./add-options.ts";
import { contractOf } from "./contract-of.ts";
import { apiLimits } from "./limits.ts";
import { payloadOfBody } from "./payload.ts";
import type { ApplicationErrorView, LeaseVerb, Result } from "./ports.ts";
import type { PresenceBook } from "./presence-book.ts";
import { sendProblem } from "./problem.ts";
import { jsonAnswer, payloadContent, problemAnswers } from "./answer-schemas.ts";
import { applicationErrorSchema, closedObject, itemStateSchema } from "./schemas.ts";

const tag = { tags: ["Work, provider side"] } as const;

/** A lease in a path: opaque. */
const leaseSchema = {
  type: "string",
  pattern: "^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)?$",
  maxLength: apiLimits.tokenLength,
} as const;
const leaseParams = closedObject({ lease: leaseSchema }, ["lease"]);

const verbAnswers = {
  200: jsonAnswer("It took effect, now or by an earlier copy of the call.", {
    type: "object",
    required: ["state", "cancelled"],
    properties: {
      state: itemStateSchema,
      cancelled: { type: "boolean", description: "The producer cancelled the item: stop." },
    },
  }),
  ...problemAnswers(
    "UNKNOWN_LEASE",
    "STALE_LEASE",
    "UNSUPPORTED_MEDIA_TYPE",
    "PAYLOAD_TOO_LARGE",
    "INVALID_PAYLOAD",
  ),
} as const;

interface LeaseParams {
  readonly lease: string;
}

/** An application error as its JSON says it. */
interface ErrorInput {
  readonly code?: string;
  readonly message?: string;
  readonly details?: unknown;
}

/** Characters of an error's details as JSON text. */
const maxDetailsLength = 16 * 1024;

function errorOf(input: ErrorInput | undefined, retryable: boolean): Result<ApplicationErrorView> {
  const { code = "", message = "", details } = input ?? {};
  const text = details === undefined ? "" : JSON.stringify(details);
  if (text.length > maxDetailsLength) {
    const detail = "error.details is longer than its bound; keep the long part where it is logged.";
    const facts = { fieldPath: "error.details", bound: maxDetailsLength, value: text.length };
    return { ok: false, refusal: { code: "INVALID_ARGUMENT", detail, ...facts } };
  }
  return { ok: true, value: { code, message, retryable, details: text } };
}

/** What the verbs share: the node's answer as JSON. */
class Settler {
  readonly #context: ApiContext;
  readonly #presences: PresenceBook;

  constructor(context: ApiContext, presences: PresenceBook) {
    this.#context = context;
    this.#presences = presences;
  }

  async settle(reply: FastifyReply, lease: string, verb: LeaseVerb): Promise<FastifyReply> {
    const settled = await this.#context.node.settle(lease, verb);
    if (verb.verb !== "heartbeat" && settled.ok) this.#presences.settled(lease);
    if (!settled.ok) return sendProblem(reply, settled.refusal);
    const { state, cancelled } = settled.value;
    return reply.send({ state, cancelled });
  }
}

/** Completes a delivery. Registered among the routes whose bodies are payloads. */
export function completeRoute(
  app: FastifyInstance,
  context: ApiContext,
  presences: PresenceBook,
): void {
  const settler = new Settler(context, presences);
  app.route<{ Params: LeaseParams }>({
    method: "POST",
    url: "/v1/leases/:lease/complete",
    bodyLimit: apiLimits.jsonBodyBytes,
    schema: {
      ...tag,
      operationId: "complete",
      summary: "The work is done; the body is the response message.",
      params: leaseParams,
      body: { content: payloadContent },
      response: verbAnswers,
    },
    handler: async (request, reply) => {
      const { lease } = request.params;
      const capability = context.node.capabilityOfLease(lease);
      if (capability === undefined) {
        const detail = "This sidecar does not know the lease. Drop the work on the item.";
        return sendProblem(reply, { code: "UNKNOWN_LEASE", detail });
      }
      const contract = contractOf(context.node, "capability", capability);
      if (!contract.ok) return sendProblem(reply, contract.refusal);
      const result = payloadOfBody(contract.value.response, request);
      if (!result.ok) return sendProblem(reply, result.refusal);
      return settler.settle(reply, lease, { verb: "complete", result: result.value });
    },
  });
}

interface FailRoute {
  Params: LeaseParams;
  Body: { retryable?: boolean; delay?: string; error?: ErrorInput };
}

function failRoute(app: FastifyInstance, settler: Settler): void {
  app.route<FailRoute>({
    method: "POST",
    url: "/v1/leases/:lease/fail",
    schema: {
      ...tag,
      operationId: "fail",
      summary: "The attempt failed; it is tried again unless `retryable` is false.",
      params: leaseParams,
      body: closedObject({
        retryable: { type: "boolean", default: true },
        delay: {
          type: "string",
          maxLength: 64,
          description: "Before the next attempt, a duration; the backoff when absent.",
        },
        error: applicationErrorSchema,
      }),
      response: verbAnswers,
    },
    handler: async (request, reply) => {
      const { retryable = true, delay, error } = request.body;
      const delayMs = durationOf(delay, "delay");
      if (!delayMs.ok) return sendProblem(reply, delayMs.refusal);
      const view = errorOf(error, retryable);
      if (!view.ok) return sendProblem(reply, view.refusal);
      return settler.settle(reply, request.params.lease, {
        verb: "fail",
        error: view.value,
        ...(delayMs.value === undefined ? {} : { delayMs: delayMs.value }),
      });
    },
  });
}

function rejectRoute(app: FastifyInstance, settler: Settler): void {
  app.route<{ Params: LeaseParams; Body: { error?: ErrorInput } }>({
    method: "POST",
    url: "/v1/leases/:lease/reject",
    schema: {
      ...tag,
      operationId: "reject",
      summary: "The item can never be done: it is dead.",
      params: leaseParams,
      body: closedObject({ error: applicationErrorSchema }),
      response: verbAnswers,
    },
    handler: async (request, reply) => {
      const error = errorOf(request.body.error, false);
      if (!error.ok) return sendProblem(reply, error.refusal);
      return settler.settle(reply, request.params.lease, { verb: "reject", error: error.value });
    },
  });
}

function releaseRoute(app: FastifyInstance, settler: Settler): void {
  app.route<{ Params: LeaseParams; Body: { reason?: string } }>({
    method: "POST",
    url: "/v1/leases/:lease/release",
    schema: {
      ...tag,
      operationId: "release",
      summary: "Gives the item back; no attempt is counted.",
      params: leaseParams,
      body: closedObject({ reason: { type: "string", maxLength: 4_096 } }),
      response: verbAnswers,
    },
    handler: async (request, reply) => {
      const { reason = "the application released it" } = request.body;
      return settler.settle(reply, request.params.lease, { verb: "release", reason });
    },
  });
}

function heartbeatRoute(app: FastifyInstance, settler: Settler): void {
  app.route<{ Params: LeaseParams; Body: { progress?: string } }>({
    method: "POST",
    url: "/v1/leases/:lease/heartbeat",
    schema: {
      ...tag,
      operationId: "heartbeat",
      summary: "Renews the lease and reports progress.",
      params: leaseParams,
      body: closedObject({ progress: { type: "string", maxLength: 256 } }),
      response: verbAnswers,
    },
    handler: async (request, reply) => {
      const { progress } = request.body;
      return settler.settle(reply, request.params.lease, {
        verb: "heartbeat",
        ...(progress === undefined ? {} : { progress }),
      });
    },
  });
}

/** The verbs whose bodies are not payloads. */
export function leaseRoutes(
  app: FastifyInstance,
  context: ApiContext,
  presences: PresenceBook,
): void {
  const settler = new Settler(context, presences);
  failRoute(app, settler);
  rejectRoute(app, settler);
  releaseRoute(app, settler);
  heartbeatRoute(app, settler);
}
