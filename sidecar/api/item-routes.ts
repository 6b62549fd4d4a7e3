/** What a producer calls: add, look, wait, cancel. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext, ItemContext } from "./api-context.ts";
import {
  type AddHeaders,
  addHeadersSchema,
  addOptionsOfHeaders,
  preferredWaitOf,
  waitOf,
} from "./add-options.ts";
import { addWithin } from "./add-within.ts";
import { clientGone } from "./client-gone.ts";
import { itemJson } from "./item-json.ts";
import { contractOf } from "./contract-of.ts";
import { apiLimits } from "./limits.ts";
import { prefersProtobuf, protobufMediaType } from "./media-type.ts";
import { payloadOfBody } from "./payload.ts";
import type { ItemView, Result } from "./ports.ts";
import { sendProblem } from "./problem.ts";
import { answerObject, jsonAnswer, payloadContent, problemAnswers } from "./answer-schemas.ts";
import {
  closedObject,
  explanationSchema,
  itemSchema,
  itemStateSchema,
  nameSchema,
  ticketSchema,
} from "./schemas.ts";

const tag = { tags: ["Work, producer side"] } as const;

const itemAnswer = {
  description: "The item; as protobuf the result itself, with Spillway-Ticket and -State.",
  content: {
    "application/json": { schema: itemSchema },
    "application/x-protobuf": { schema: { description: "The result, when there is one." } },
  },
} as const;

const ticketParams = closedObject({ ticket: ticketSchema }, ["ticket"]);

/** Answers with an item as JSON, or with its bare result to who prefers protobuf. */
function sendItem(
  context: ItemContext,
  request: FastifyRequest,
  reply: FastifyReply,
  item: ItemView,
): FastifyReply {
  if (item.outcome?.kind === "result" && prefersProtobuf(request)) {
    return reply
      .headers({ "spillway-ticket": item.ticket, "spillway-state": item.state })
      .type(protobufMediaType)
      .send(Buffer.from(item.outcome.result));
  }
  return reply.send(itemJson(item, context.node));
}

/** Adds one item. Registered among the routes whose bodies are payloads. */
export function addRoute(app: FastifyInstance, context: ItemContext): void {
  app.route<{ Params: { demand: string }; Headers: AddHeaders }>({
    method: "POST",
    url: "/v1/demands/:demand/items",
    bodyLimit: apiLimits.jsonBodyBytes,
    schema: {
      ...tag,
      operationId: "addItem",
      summary: "Adds an item; with `Prefer: wait` answers its outcome if there is one in time.",
      params: closedObject({ demand: nameSchema }, ["demand"]),
      headers: addHeadersSchema,
      body: { content: payloadContent },
      response: {
        200: itemAnswer,
        202: jsonAnswer(
          "Added.",
          answerObject({ ticket: { type: "string" }, state: itemStateSchema }),
          { Location: { type: "string", description: "/v1/items/{ticket}" } },
        ),
        ...problemAnswers(
          "UNKNOWN_DEMAND",
          "REQUEST_TIMEOUT",
          "IDEMPOTENCY_CONFLICT",
          "PAYLOAD_TOO_LARGE",
          "UNSUPPORTED_MEDIA_TYPE",
          "INVALID_PAYLOAD",
          "QUEUE_FULL",
          "TOO_MANY_WAITERS",
          "DRAINING",
        ),
      },
    },
    handler: async (request, reply) => {
      const { demand } = request.params;
      const contract = contractOf(context.node, "demand", demand);
      if (!contract.ok) return sendProblem(reply, contract.refusal);
      const options = addOptionsOfHeaders(request.headers);
      if (!options.ok) return sendProblem(reply, options.refusal);
      const wait = preferredWaitOf(request.headers.prefer);
      if (!wait.ok) return sendProblem(reply, wait.refusal);
      const payload = payloadOfBody(contract.value.request, request);
      if (!payload.ok) return sendProblem(reply, payload.refusal);
      // A wait may last minutes: the received bytes need not stay with it.
      request.body = undefined;
      const gone = clientGone(reply);
      const added = await addWithin(context, gone, (signal) =>
        context.node.add(demand, payload.value, options.value, signal),
      );
      if (!added.ok) return sendProblem(reply, added.refusal);
      const { ticket, state } = added.value;
      void reply.header("location", `/v1/items/${ticket}`);
      if (wait.value !== undefined) {
        const item = await context.node.waitForItem(ticket, wait.value, gone);
        if (item.ok && item.value.outcome !== undefined) {
          void reply.header("preference-applied", `wait=${String(wait.value / 1_000)}`);
          return sendItem(context, request, reply, item.value);
        }
      }
      return reply.code(202).send({ ticket, state });
    },
  });
}

/** Looks at one item. */
export function lookRoute(app: FastifyInstance, context: ItemContext): void {
  app.route<{ Params: { ticket: string }; Querystring: { wait?: string } }>({
    method: "GET",
    url: "/v1/items/:ticket",
    schema: {
      ...tag,
      operationId: "getItem",
      summary: "The item; with `wait` as soon as it has an outcome, or when the time is over.",
      params: ticketParams,
      querystring: closedObject({
        wait: {
          type: "string",
          maxLength: 64,
          description: "Seconds or a duration, at most 300 s.",
        },
      }),
      response: {
        200: itemAnswer,
        ...problemAnswers(
          "UNKNOWN_TICKET",
          "QUEUE_LOST",
          "OUTCOME_DROPPED",
          "TICKET_ELSEWHERE",
          "TOO_MANY_WAITERS",
        ),
      },
    },
    handler: async (request, reply) => {
      const { ticket } = request.params;
      const wait = waitOf(request.query.wait, "query.wait");
      if (!wait.ok) return sendProblem(reply, wait.refusal);
      const found: Result<ItemView> =
        wait.value === undefined
          ? context.node.item(ticket)
          : await context.node.waitForItem(ticket, wait.value, clientGone(reply));
      return found.ok
        ? sendItem(context, request, reply, found.value)
        : sendProblem(reply, found.refusal);
    },
  });
}

/** Says why an item is not moving. */
export function explainRoute(app: FastifyInstance, context: ItemContext): void {
  app.route<{ Params: { ticket: string } }>({
    method: "GET",
    url: "/v1/items/:ticket/explain",
    schema: {
      ...tag,
      operationId: "explainItem",
      summary: "Why the item is not moving: each reason with a code, a clause and its facts.",
      description: "The codes are a closed list, see errors.md.",
      params: ticketParams,
      response: {
        200: jsonAnswer("State and reasons.", explanationSchema),
        ...problemAnswers("UNKNOWN_TICKET", "QUEUE_LOST", "OUTCOME_DROPPED", "TICKET_ELSEWHERE"),
      },
    },
    handler: async (request, reply) => {
      const explained = context.node.explain(request.params.ticket);
      return explained.ok ? reply.send(explained.value) : sendProblem(reply, explained.refusal);
    },
  });
}

function cancelRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<{ Params: { ticket: string } }>({
    method: "DELETE",
    url: "/v1/items/:ticket",
    schema: {
      ...tag,
      operationId: "cancelItem",
      summary: "Cancels the item; its provider is told to stop. Idempotent.",
      params: ticketParams,
      response: {
        200: itemAnswer,
        ...problemAnswers(
          "UNKNOWN_TICKET",
          "ALREADY_ENDED",
          "QUEUE_LOST",
          "OUTCOME_DROPPED",
          "TICKET_ELSEWHERE",
        ),
      },
    },
    handler: async (request, reply) => {
      const cancelled = await context.node.cancel(request.params.ticket);
      return cancelled.ok
        ? sendItem(context, request, reply, cancelled.value)
        : sendProblem(reply, cancelled.refusal);
    },
  });
}

/** Looks at, waits for, explains and cancels items. */
export function itemRoutes(app: FastifyInstance, context: ApiContext): void {
  lookRoute(app, context);
  explainRoute(app, context);
  cancelRoute(app, context);
}
