/** What a provider calls to get items: capabilities, pull, presence. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { formatDuration } from "../runtime/index.ts";
import type { ResolvedContract } from "../wire/contract.ts";
import { waitOf } from "./add-options.ts";
import type { ApiContext, ItemContext } from "./api-context.ts";
import { clientGone } from "./client-gone.ts";
import { contractOf } from "./contract-of.ts";
import { apiLimits } from "./limits.ts";
import { pageOf, type PageQuery } from "./page.ts";
import { prefersProtobuf, protobufMediaType } from "./media-type.ts";
import { invalidPayload } from "./payload.ts";
import type { PulledItem } from "./ports.ts";
import type { PresenceBook } from "./presence-book.ts";
import { sendProblem } from "./problem.ts";
import { answerObject, jsonAnswer, problemAnswers } from "./answer-schemas.ts";
import { closedObject, nameSchema, pageQuerySchema } from "./schemas.ts";
import { tooManyStreams } from "./too-many-streams.ts";

const tag = { tags: ["Work, provider side"] } as const;
const number = { type: "number" } as const;
const text = { type: "string" } as const;

const capabilitySchema = {
  type: "object",
  required: ["name", "request", "response", "running", "slots", "demands"],
  properties: {
    name: text,
    request: text,
    response: text,
    running: number,
    slots: number,
    demands: {
      type: "array",
      items: {
        type: "object",
        properties: {
          demand: text,
          node: text,
          state: text,
          score: number,
          rttMs: number,
          reason: text,
        },
      },
    },
    notDelivering: text,
  },
} as const;

const capabilityParams = closedObject({ capability: nameSchema }, ["capability"]);

/** Lists capabilities. */
export function listCapabilitiesRoute(app: FastifyInstance, context: ItemContext): void {
  app.route<{ Querystring: PageQuery }>({
    method: "GET",
    url: "/v1/capabilities",
    schema: {
      ...tag,
      operationId: "listCapabilities",
      summary: "Capabilities of this node's application, by name.",
      querystring: pageQuerySchema,
      response: {
        200: jsonAnswer("A page.", {
          type: "object",
          required: ["capabilities"],
          properties: { capabilities: { type: "array", items: capabilitySchema }, next: text },
        }),
        ...problemAnswers(),
      },
    },
    handler: async (request, reply) => {
      const all = context.node.capabilities();
      const { entries, next } = pageOf(all, ({ name }) => name, request.query);
      return reply.send({ capabilities: entries, next });
    },
  });
}

function oneRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<{ Params: { capability: string } }>({
    method: "GET",
    url: "/v1/capabilities/:capability",
    schema: {
      ...tag,
      operationId: "getCapability",
      summary: "A capability: contract, slots, and the demands it is connected to.",
      params: capabilityParams,
      response: {
        200: jsonAnswer("The capability.", capabilitySchema),
        ...problemAnswers("UNKNOWN_CAPABILITY"),
      },
    },
    handler: async (request, reply) => {
      const found = context.node.capability(request.params.capability);
      return found.ok ? reply.send(found.value) : sendProblem(reply, found.refusal);
    },
  });
}

interface PullRoute {
  Params: { capability: string };
  Headers: { "spillway-presence"?: string };
  Body: { max?: number; wait?: string };
}

const pullSchema = {
  ...tag,
  operationId: "pull",
  summary: "Takes up to `max` items, waiting up to `wait` for the first.",
  description:
    "With `Accept: application/x-protobuf` one item at most: the body is the request message, " +
    "Spillway-Ticket, -Lease, -Attempt, -Deadline and traceparent are headers, 204 means none.",
  params: capabilityParams,
  headers: {
    type: "object",
    properties: {
      "spillway-presence": {
        ...text,
        minLength: 1,
        maxLength: 128,
        description: "Leases are renewed while this presence's stream is open.",
      },
    },
  },
  body: closedObject({
    max: { type: "integer", minimum: 1, maximum: apiLimits.pullItems, default: 1 },
    wait: { ...text, maxLength: 64, default: "30s", description: "A duration, at most 5m." },
  }),
  response: {
    200: jsonAnswer(
      "Items, none when the time was over.",
      answerObject({
        items: {
          type: "array",
          items: {
            type: "object",
            required: ["ticket", "lease", "attempt", "request"],
            properties: {
              ticket: text,
              lease: text,
              attempt: number,
              request: { description: "The request message." },
              deadline: { ...text, description: "What remains, a duration." },
              traceparent: text,
            },
          },
        },
      }),
    ),
    204: { description: "No item, when protobuf is preferred." },
    ...problemAnswers(
      "UNKNOWN_CAPABILITY",
      "UNKNOWN_PRESENCE",
      "UNSUPPORTED_MEDIA_TYPE",
      "TOO_MANY_WAITERS",
      "DRAINING",
    ),
  },
} as const;

function pullRoute(app: FastifyInstance, context: ApiContext, presences: PresenceBook): void {
  app.route<PullRoute>({
    method: "POST",
    url: "/v1/capabilities/:capability/pull",
    schema: pullSchema,
    handler: async (request, reply) => {
      const { capability } = request.params;
      const presence = request.headers["spillway-presence"];
      const contract = contractOf(context.node, "capability", capability);
      if (!contract.ok) return sendProblem(reply, contract.refusal);
      const wait = waitOf(request.body.wait, "wait");
      if (!wait.ok) return sendProblem(reply, wait.refusal);
      const { max = 1 } = request.body;
      if (max > 1 && prefersProtobuf(request)) {
        const detail = "A pull that accepts application/x-protobuf takes one item: set max to 1.";
        return sendProblem(reply, { code: "INVALID_ARGUMENT", detail, fieldPath: "max", bound: 1 });
      }
      const taken: string[] = [];
      // An answer that did not reach its client gives its items back without an attempt counted.
      const gone = clientGone(reply, () => {
        for (const lease of taken) release(context, presences, lease);
      });
      const options = {
        max,
        waitMs: wait.value ?? 0,
        ...(presence === undefined ? {} : { presence }),
      };
      const pulled = await context.node.pull(capability, options, gone);
      if (!pulled.ok) return sendProblem(reply, pulled.refusal);
      for (const { lease } of pulled.value) {
        taken.push(lease);
        if (presence !== undefined) presences.granted(presence, lease);
      }
      if (gone.aborted) for (const lease of taken) release(context, presences, lease);
      return sendPulled(context, { request, reply, contract: contract.value }, pulled.value);
    },
  });
}

function release(context: ApiContext, presences: PresenceBook, lease: string): void {
  presences.settled(lease);
  const reason = "the application went away before it got the item";
  // Stale by now, or taken: in both cases nothing is left to do here.
  void context.node.settle(lease, { verb: "release", reason }).catch((err: unknown) => {
    context.logger.error({ err }, "a lease could not be released");
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly contract: ResolvedContract;
}

function sendPulled(
  context: ApiContext,
  { request, reply, contract }: Exchange,
  items: readonly PulledItem[],
): FastifyReply {
  if (!prefersProtobuf(request)) {
    return reply.send({ items: items.flatMap((item) => pulledJson(context, contract, item)) });
  }
  const [item] = items;
  if (item === undefined) return reply.code(204).send();
  const { deadlineMs, traceparent } = item;
  return reply
    .headers({
      "spillway-ticket": item.ticket,
      "spillway-lease": item.lease,
      "spillway-attempt": String(item.attempt),
      ...(deadlineMs === undefined ? {} : { "spillway-deadline": formatDuration(deadlineMs) }),
      ...(traceparent === undefined ? {} : { traceparent }),
    })
    .type(protobufMediaType)
    .send(Buffer.from(item.request));
}

/** An item as JSON; none when its payload has no JSON form: it is rejected, nobody can do it. */
function pulledJson(context: ApiContext, contract: ResolvedContract, item: PulledItem): object[] {
  const decoded = contract.request.decodeToJson(item.request);
  const { ticket, lease, attempt, deadlineMs, traceparent } = item;
  if (!decoded.ok) {
    const { code, detail } = invalidPayload(decoded.failure);
    const error = { code, message: detail, retryable: false, details: "" };
    void context.node.settle(lease, { verb: "reject", error }).catch((err: unknown) => {
      context.logger.error({ ticket, err }, "an item could not be rejected");
    });
    return [];
  }
  return [
    {
      ticket,
      lease,
      attempt,
      request: decoded.value,
      ...(deadlineMs === undefined ? {} : { deadline: formatDuration(deadlineMs) }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  ];
}

function presenceRoute(app: FastifyInstance, context: ApiContext, presences: PresenceBook): void {
  app.route<{ Params: { capability: string } }>({
    method: "GET",
    url: "/v1/capabilities/:capability/presence",
    schema: {
      ...tag,
      operationId: "openPresence",
      summary: "Keeps the leases of pulls that name it renewed while the stream is open.",
      description:
        "First an event `presence` with `{presence}`; then `lease-ended` with `{lease, reason}` " +
        "when an item is cancelled or its lease is lost: stop, then send `release`, which answers " +
        "STALE_LEASE and frees the slot. Leases held at the end of the stream end.",
      params: capabilityParams,
      response: {
        200: {
          description: "Events until the client closes; a comment every 15 s.",
          content: { "text/event-stream": { schema: answerObject({}) } },
        },
        ...problemAnswers("UNKNOWN_CAPABILITY", "TOO_MANY_WAITERS", "DRAINING"),
      },
    },
    handler: async (request, reply) => {
      if (context.streams.full) return sendProblem(reply, tooManyStreams());
      const opened = context.node.openPresence(request.params.capability);
      if (!opened.ok) return sendProblem(reply, opened.refusal);
      const { id, close } = opened.value;
      const stream = context.streams.open(reply, () => {
        presences.close(id);
        close();
      });
      presences.open(id, stream);
      stream.push(() => ({ event: "presence", data: { presence: id } }));
      return reply;
    },
  });
}

/** Lists capabilities, hands out items, keeps presences. */
export function capabilityRoutes(
  app: FastifyInstance,
  context: ApiContext,
  presences: PresenceBook,
): void {
  listCapabilitiesRoute(app, context);
  oneRoute(app, context);
  pullRoute(app, context, presences);
  presenceRoute(app, context, presences);
}
