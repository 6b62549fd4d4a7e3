/** Adds one item to the queue of a sidecar. */
import { askStatus, InspectError } from "./inspect-error.ts";
import type { Answer, Place } from "./place.ts";
import { refuseBadInput } from "./sidecar-problem.ts";
import { demandsOf } from "./sidecar-report.ts";

/** What is sent. */
export interface SendRequest {
  readonly demand: string;
  /** The request message by the protobuf JSON mapping. */
  readonly json: string;
  /** Wait for the outcome this long; undefined: only for the ticket. */
  readonly waitSeconds: number | undefined;
}

/** The sidecar's answer: HTTP status and body. */
export interface SendAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The item has an outcome that is a result, or was accepted without waiting for one. */
  readonly good: boolean;
}

/** Longest wait of the API, seconds. */
export const maxWaitSeconds = 300;

/** Time beyond the wait for the answer to come. */
const answerMs = 10_000;

/** Sidecars that are asked for the demand at most. */
const maxAsked = 20;

/** @throws {InspectError} `ARGUMENT_INVALID`. */
export function refuseBadJson(json: string): void {
  try {
    JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = `Write the request message as JSON, in single quotes: '{"width": 128}'.`;
    throw new InspectError("ARGUMENT_INVALID", `JSON is malformed: ${why}`, remedy);
  }
}

/**
 * Sends the item to the first sidecar that holds the demand's queue.
 * @param places those that may hold it, in the order in which they are asked.
 * @throws {InspectError} `ARGUMENT_INVALID`, `INPUT_REFUSED`, `UNKNOWN_DEMAND`, `NOTHING_ANSWERS`.
 */
export async function sendItem(
  places: readonly Place[],
  request: SendRequest,
): Promise<SendAnswer> {
  refuseBadJson(request.json);
  const host = await findHost(places, request.demand);
  const wait = request.waitSeconds;
  const answer = await host.ask({
    method: "POST",
    path: `/v1/demands/${encodeURIComponent(request.demand)}/items`,
    headers: wait === undefined ? {} : { prefer: `wait=${wait}` },
    body: request.json,
    timeoutMs: (wait ?? 0) * 1_000 + answerMs,
  });
  return sendAnswer(answer, host);
}

async function findHost(places: readonly Place[], demand: string): Promise<Place> {
  const names = new Set<string>();
  let silence: InspectError | undefined;
  let answered = false;
  for (const place of places.slice(0, maxAsked)) {
    const held = await demandsOf(place);
    if (!held.ok) {
      const text = `the sidecar of ${place.name} does not answer: ${held.reason}`;
      silence ??= new InspectError("NOTHING_ANSWERS", text, held.remedy ?? askStatus);
      continue;
    }
    answered = true;
    for (const { name } of held.entries) names.add(name);
    if (names.has(demand)) return place;
  }
  if (!answered && silence !== undefined) throw silence;
  const known = names.size === 0 ? "none" : [...names].sort().join(", ");
  const text = `no sidecar holds a demand "${demand}" (those there are: ${known})`;
  const remedy = "Write the name of a Demand whose selector matches a program.";
  throw new InspectError("UNKNOWN_DEMAND", text, remedy);
}

function sendAnswer(answer: Answer, host: Place): SendAnswer {
  if (!answer.ok) {
    const text = `the sidecar of ${host.name} did not answer: ${answer.reason}`;
    throw new InspectError("NOTHING_ANSWERS", text, answer.remedy ?? askStatus);
  }
  const { status, body } = answer;
  refuseBadInput(body, "the request message");
  const failed = typeof body === "object" && body !== null && "outcome" in body;
  return { status, body, good: status < 300 && (!failed || isResult(body.outcome)) };
}

function isResult(outcome: unknown): boolean {
  return (
    typeof outcome === "object" &&
    outcome !== null &&
    ("result" in outcome || "resultProtobuf" in outcome)
  );
}
