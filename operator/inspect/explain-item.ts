/** Why an item is not moving: asks the sidecar whose queue holds it; its answer in lines. */
import { z } from "zod";
import { askStatus, InspectError } from "./inspect-error.ts";
import { type Answer, type Place, withNames } from "./place.ts";
import { problemOf, refuseBadInput } from "./sidecar-problem.ts";

const explanation = z.object({
  state: z.string(),
  reasons: z.array(
    z.object({
      code: z.string(),
      message: z.string(),
      facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
  ),
});

/** What the sidecar answered. */
export interface ExplainAnswer {
  /** As `spillway explain --json` prints it. */
  readonly body: unknown;
  /** As a person reads it, lines with a newline at the end. */
  readonly text: string;
  /** False when the item is not known any more, or not yet. */
  readonly good: boolean;
}

const timeoutMs = 10_000;

/** Characters of a refused ticket that are told. */
const maxToldTicket = 64;

/** Sidecars that are asked at most until one answers. */
const maxAsked = 20;

/**
 * Asks any sidecar; one that does not hold the queue names the node that does.
 * @param ticket as an add answered it; opaque.
 * @throws {InspectError} `NOTHING_ANSWERS`, `NODE_UNKNOWN`, `ARGUMENT_INVALID`, `INPUT_REFUSED`.
 */
export async function explainItem(
  places: readonly Place[],
  ticket: string,
): Promise<ExplainAnswer> {
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(ticket)) {
    const text = `"${ticket.slice(0, maxToldTicket)}" is no ticket`;
    throw new InspectError("ARGUMENT_INVALID", text, "Write the ticket as send answered it.");
  }
  const first = await askAny(places, ticket);
  const elsewhere = nodeNamedBy(first.answer);
  if (elsewhere === undefined) return explainAnswer(first, ticket, places);
  const holder = places.find(({ nodeId }) => nodeId === elsewhere);
  if (holder === undefined) {
    const text = `the queue of ${ticket} is at node ${elsewhere}, which is not here`;
    const remedy = "If its pod or program is gone, its queue is too: add the item again.";
    throw new InspectError("NODE_UNKNOWN", text, remedy);
  }
  const answer = await holder.ask({ method: "GET", path: pathOf(ticket), timeoutMs });
  if (answer.ok) return explainAnswer({ place: holder, answer }, ticket, places);
  throw silent(holder, answer);
}

interface Asked {
  readonly place: Place;
  readonly answer: Extract<Answer, { readonly ok: true }>;
}

async function askAny(places: readonly Place[], ticket: string): Promise<Asked> {
  let refusal: InspectError | undefined;
  let unconfigured: Asked | undefined;
  for (const place of places.slice(0, maxAsked)) {
    const answer = await place.ask({ method: "GET", path: pathOf(ticket), timeoutMs });
    // Without a configuration a sidecar cannot tell whose ticket it is; another one may.
    if (answer.ok && answer.status !== 503) return { place, answer };
    if (answer.ok) unconfigured ??= { place, answer };
    else refusal ??= silent(place, answer);
  }
  if (unconfigured !== undefined) return unconfigured;
  const remedy = "Start programs with sidecars first.";
  throw refusal ?? new InspectError("NOTHING_ANSWERS", "there is no sidecar to ask", remedy);
}

function silent(
  place: Place,
  { reason, remedy = askStatus }: { readonly reason: string; readonly remedy?: string },
): InspectError {
  const text = `the sidecar of ${place.name} does not answer: ${reason}`;
  return new InspectError("NOTHING_ANSWERS", text, remedy);
}

function pathOf(ticket: string): string {
  return `/v1/items/${ticket}/explain`;
}

/** The node that a sidecar names when the ticket is not one of its own. */
function nodeNamedBy({ body }: Asked["answer"]): string | undefined {
  const told = problemOf(body);
  if (told?.code !== "TICKET_ELSEWHERE") return undefined;
  return typeof told.value === "string" ? told.value : undefined;
}

function explainAnswer(
  { place, answer }: Asked,
  ticket: string,
  places: readonly Place[],
): ExplainAnswer {
  const { body } = answer;
  const explained = explanation.safeParse(body);
  if (explained.success) {
    const { state, reasons } = explained.data;
    const head = `${ticket} is ${state}, in the queue of ${place.name}`;
    const lines = reasons.map(({ message }) => `  ${withNames(message, places)}`);
    return { body, text: `${[head, ...lines].join("\n")}\n`, good: true };
  }
  const told = problemOf(body);
  if (told === undefined) throw silent(place, { reason: `it answered ${String(answer.status)}` });
  refuseBadInput(body, `"${ticket.slice(0, maxToldTicket)}"`);
  const { code, detail } = told;
  const text = code === "NOT_CONFIGURED" ? `not configured yet: ${detail}` : `${code}: ${detail}`;
  return { body, text: `${text}\n`, good: false };
}
