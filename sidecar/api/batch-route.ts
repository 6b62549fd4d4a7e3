/** Many items in one call, an answer for each. */
import type { FastifyInstance } from "fastify";
import type { PayloadCodec } from "../wire/contract.ts";
import type { ApiContext } from "./api-context.ts";
import { type AddOptionsInput, addOptionsOfJson, addOptionsSchema } from "./add-options.ts";
import { addWithin } from "./add-within.ts";
import { clientGone } from "./client-gone.ts";
import { apiLimits } from "./limits.ts";
import { contractOf } from "./contract-of.ts";
import { payloadOfJson } from "./payload.ts";
import { problemBody, type ProblemBody, sendProblem } from "./problem.ts";
import { answerObject, jsonAnswer, problemAnswers } from "./answer-schemas.ts";
import { closedObject, itemStateSchema, nameSchema } from "./schemas.ts";

interface BatchEntry {
  readonly request: unknown;
  readonly options?: AddOptionsInput;
}

type BatchAnswer =
  | { readonly ticket: string; readonly state: string }
  | { readonly problem: ProblemBody };

/** Adds up to 1,000 items in order. */
export function batchRoute(app: FastifyInstance, context: ApiContext): void {
  app.route<{ Params: { demand: string }; Body: { items: readonly BatchEntry[] } }>({
    method: "POST",
    url: "/v1/demands/:demand/items/batch",
    bodyLimit: apiLimits.jsonBodyBytes,
    schema: {
      tags: ["Work, producer side"],
      operationId: "addItems",
      summary: "Adds items in order; each gets a ticket or a problem of its own.",
      params: closedObject({ demand: nameSchema }, ["demand"]),
      body: closedObject(
        {
          items: {
            type: "array",
            minItems: 1,
            maxItems: apiLimits.batchItems,
            items: closedObject(
              { request: { description: "The request message." }, options: addOptionsSchema },
              ["request"],
            ),
          },
        },
        ["items"],
      ),
      response: {
        200: jsonAnswer(
          "One entry for each item, in order.",
          answerObject({
            items: {
              type: "array",
              items: {
                type: "object",
                description: "ticket and state, or problem.",
                properties: {
                  ticket: { type: "string" },
                  state: itemStateSchema,
                  problem: { type: "object" },
                },
              },
            },
          }),
        ),
        ...problemAnswers("UNKNOWN_DEMAND", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
      },
    },
    handler: async (request, reply) => {
      const { demand } = request.params;
      const contract = contractOf(context.node, "demand", demand);
      if (!contract.ok) return sendProblem(reply, contract.refusal);
      const gone = clientGone(reply);
      const items: BatchAnswer[] = [];
      for (const [index, entry] of request.body.items.entries()) {
        const at = `items[${String(index)}]`;
        items.push(
          await addEntry(context, { demand, codec: contract.value.request, at, gone }, entry),
        );
        // Whoever would read the rest of the answers is gone; those added stay added.
        if (gone.aborted) break;
      }
      return reply.send({ items });
    },
  });
}

interface EntryPlace {
  readonly demand: string;
  readonly codec: PayloadCodec;
  readonly at: string;
  readonly gone: AbortSignal;
}

async function addEntry(
  context: ApiContext,
  place: EntryPlace,
  entry: BatchEntry,
): Promise<BatchAnswer> {
  const { demand, codec, at, gone } = place;
  const options = addOptionsOfJson(entry.options ?? {}, `${at}.options`);
  if (!options.ok) return { problem: problemBody(options.refusal) };
  const payload = payloadOfJson(codec, entry.request, `${at}.request`);
  if (!payload.ok) return { problem: problemBody(payload.refusal) };
  const added = await addWithin(context, gone, (signal) =>
    context.node.add(demand, payload.value, options.value, signal),
  );
  return added.ok
    ? { ticket: added.value.ticket, state: added.value.state }
    : { problem: problemBody(added.refusal) };
}
