/** Demands of this node, and the stream of their outcomes. */
import type { FastifyInstance } from "fastify";
import type { ApiContext, ItemContext } from "./api-context.ts";
import type { ServerEvent } from "./event-stream.ts";
import { itemJson } from "./item-json.ts";
import { apiLimits } from "./limits.ts";
import { pageOf, type PageQuery } from "./page.ts";
import type { ItemState, ItemsPage, ItemView, OutcomeEvent } from "./ports.ts";
import { sendProblem } from "./problem.ts";
import { answerObject, jsonAnswer, problemAnswers } from "./answer-schemas.ts";
import {
  closedObject,
  itemSchema,
  itemStateSchema,
  nameSchema,
  pageQuerySchema,
} from "./schemas.ts";
import { tooManyStreams } from "./too-many-streams.ts";

const tag = { tags: ["Work, producer side"] } as const;
const number = { type: "number" } as const;
const text = { type: "string" } as const;

const demandSchema = {
  type: "object",
  required: ["name", "request", "response", "counts", "desiredProviders", "maxProviders"],
  properties: {
    name: text,
    request: text,
    response: text,
    counts: { type: "object", additionalProperties: { type: "integer" } },
    oldestReadySeconds: number,
    desiredProviders: number,
    maxProviders: number,
    deficit: number,
    providers: {
      type: "array",
      items: {
        type: "object",
        properties: { id: text, rttMs: number, leased: number, credit: number },
      },
    },
    paused: { type: "boolean" },
  },
} as const;

const demandParams = closedObject({ demand: nameSchema }, ["demand"]);

/** Lists demands. */
export function listDemandsRoute(app: FastifyInstance, context: ItemContext): void {
  app.route<{ Querystring: PageQuery }>({
    method: "GET",
    url: "/v1/demands",
    schema: {
      ...tag,
      operationId: "listDemands",
      summary: "Demands whose queue this node holds, by name.",
      querystring: pageQuerySchema,
      response: {
        200: jsonAnswer("A page.", {
          type: "object",
          required: ["demands"],
          properties: { demands: { type: "array", items: demandSchema }, next: text },
        }),
        ...problemAnswers(),
      },
    },
    handler: async (request, reply) => {
      const { entries, next } = pageOf(context.node.demands(), ({ name }) => name, request.query);
      return reply.send({ demands: entries, next });
    },
  });
}

function oneRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<{ Params: { demand: string } }>({
    method: "GET",
    url: "/v1/demands/:demand",
    schema: {
      ...tag,
      operationId: "getDemand",
      summary: "A demand: contract, counts by state, providers.",
      params: demandParams,
      response: {
        200: jsonAnswer("The demand.", demandSchema),
        ...problemAnswers("UNKNOWN_DEMAND"),
      },
    },
    handler: async (request, reply) => {
      const found = context.node.demand(request.params.demand);
      return found.ok ? reply.send(found.value) : sendProblem(reply, found.refusal);
    },
  });
}

interface ItemsRoute {
  Params: { demand: string };
  Querystring: PageQuery & { readonly state?: ItemState };
}

function itemsRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<ItemsRoute>({
    method: "GET",
    url: "/v1/demands/:demand/items",
    schema: {
      ...tag,
      operationId: "listItems",
      summary: "Items of the demand, oldest first; with `state` only those in it.",
      description:
        "Those that the queue still knows. A page may have fewer than `limit` when results are large.",
      params: demandParams,
      querystring: closedObject({ ...pageQuerySchema.properties, state: itemStateSchema }),
      response: {
        200: jsonAnswer("A page.", {
          type: "object",
          required: ["items"],
          properties: { items: { type: "array", items: itemSchema }, next: text },
        }),
        ...problemAnswers("UNKNOWN_DEMAND"),
      },
    },
    handler: async (request, reply) => {
      const { limit = apiLimits.defaultPageItems, cursor, state } = request.query;
      const found = context.node.items(request.params.demand, {
        limit,
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { after: cursor }),
      });
      if (!found.ok) return sendProblem(reply, found.refusal);
      const { items, more } = withinBytes(found.value);
      const next = more ? items.at(-1)?.ticket : undefined;
      return reply.send({ items: items.map((item) => itemJson(item, context.node)), next });
    },
  });
}

/** Cuts a page where its results become too large for one answer; one item is always told. */
function withinBytes(page: ItemsPage): ItemsPage {
  let bytes = 0;
  const end = page.items.findIndex((item, index) => {
    bytes += resultBytes(item);
    return index > 0 && bytes > apiLimits.pageResultBytes;
  });
  return end === -1 ? page : { items: page.items.slice(0, end), more: true };
}

function resultBytes({ outcome }: ItemView): number {
  switch (outcome?.kind) {
    case "result":
      return outcome.result.length;
    case "error":
      return outcome.error.message.length + outcome.error.details.length;
    default:
      return 0;
  }
}

interface OutcomesRoute {
  Params: { demand: string };
  Querystring: { submitter?: string };
  Headers: { "last-event-id"?: string };
}

function outcomesRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<OutcomesRoute>({
    method: "GET",
    url: "/v1/demands/:demand/outcomes",
    schema: {
      ...tag,
      operationId: "streamOutcomes",
      summary: "One event `outcome` for each outcome: id to resume after, data = the item.",
      params: demandParams,
      querystring: closedObject({
        submitter: { ...text, minLength: 1, maxLength: 256, description: "Only its items." },
      }),
      headers: {
        type: "object",
        properties: { "last-event-id": { ...text, maxLength: 64, pattern: "^[ -~]*$" } },
      },
      response: {
        200: {
          description: "Events until the client closes; a comment every 15 s.",
          content: { "text/event-stream": { schema: answerObject({}) } },
        },
        ...problemAnswers("UNKNOWN_DEMAND", "TOO_MANY_WAITERS"),
      },
    },
    handler: async (request, reply) => {
      if (context.streams.full) return sendProblem(reply, tooManyStreams());
      const { submitter } = request.query;
      const afterId = request.headers["last-event-id"];
      const options = {
        ...(submitter === undefined ? {} : { submitter }),
        ...(afterId === undefined || afterId === "" ? {} : { afterId }),
      };
      // Kept outcomes are told during the subscription, before it is known that there is a stream.
      const replayed: OutcomeEvent[] = [];
      let tell = (event: OutcomeEvent): void => {
        replayed.push(event);
      };
      const subscribed = context.node.subscribeOutcomes(request.params.demand, options, (event) => {
        tell(event);
      });
      if (!subscribed.ok) return sendProblem(reply, subscribed.refusal);
      const stream = context.streams.open(reply, subscribed.value);
      tell = (event) => {
        stream.push(() => eventOf(event, context));
      };
      replayed.forEach(tell);
      return reply;
    },
  });
}

function eventOf(event: OutcomeEvent, context: ApiContext): ServerEvent {
  return { event: "outcome", id: event.id, data: itemJson(event.item, context.node) };
}

/** Lists demands and their items, and streams their outcomes. */
export function demandRoutes(app: FastifyInstance, context: ApiContext): void {
  listDemandsRoute(app, context);
  oneRoute(app, context);
  itemsRoute(app, context);
  outcomesRoute(app, context);
}
