/** `spillway send`: adds one item to a demand of a running folder. */
import { LocalError } from "./local-error.ts";
import type { RecordedProgram } from "./run-record.ts";
import { type Answer, callApp } from "./sidecar-client.ts";
import { askSidecar } from "./sidecar-report.ts";
import { findRun } from "./status.ts";
import type { StateRoots } from "./state-folder.ts";

/** What is sent. */
export interface SendRequest {
  readonly folder: string;
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

/**
 * Sends the item to the first sidecar that holds the demand's queue.
 * @throws {LocalError} `ARGUMENT_INVALID`, `NOT_RUNNING`, `UNKNOWN_DEMAND`, `FOLDER_UNREADABLE`.
 */
export async function sendItem(request: SendRequest, roots: StateRoots): Promise<SendAnswer> {
  refuseBadJson(request.json);
  const record = findRun(request.folder, roots);
  if (record === undefined) {
    const remedy = `Start it with spillway up ${request.folder}.`;
    const text = `nothing runs in ${request.folder}`;
    throw new LocalError("NOT_RUNNING", [{ text, remedy }]);
  }
  const host = await findHost(record.programs, request.demand);
  const wait = request.waitSeconds;
  const answer = await callApp(host.sidecar.socketPath, {
    method: "POST",
    path: `/v1/demands/${encodeURIComponent(request.demand)}/items`,
    headers: wait === undefined ? {} : { prefer: `wait=${wait}` },
    body: request.json,
    timeoutMs: (wait ?? 0) * 1_000 + answerMs,
  });
  return sendAnswer(answer, host);
}

function refuseBadJson(json: string): void {
  try {
    JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = `Write the request message as JSON, in single quotes: '{"width": 128}'.`;
    throw new LocalError("ARGUMENT_INVALID", [{ text: `JSON is malformed: ${why}`, remedy }]);
  }
}

async function findHost(
  programs: readonly RecordedProgram[],
  demand: string,
): Promise<RecordedProgram> {
  const names = new Set<string>();
  for (const program of programs) {
    const report = await askSidecar(program.sidecar.socketPath, undefined);
    if (!report.ok) continue;
    for (const { name } of report.demands) names.add(name);
    if (names.has(demand)) return program;
  }
  const known = names.size === 0 ? "none" : [...names].sort().join(", ");
  const text = `no sidecar holds a demand "${demand}" (those there are: ${known})`;
  const remedy = "Write the name of a Demand whose selector matches a program.";
  throw new LocalError("UNKNOWN_DEMAND", [{ text, remedy }]);
}

function sendAnswer(answer: Answer, host: RecordedProgram): SendAnswer {
  if (!answer.ok) {
    const text = `the sidecar of ${host.name}-${host.replica} did not answer: ${answer.reason}`;
    throw new LocalError("NOT_RUNNING", [{ text, remedy: "Ask spillway status for its state." }]);
  }
  const { status, body } = answer;
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
