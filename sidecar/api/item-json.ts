/** Items and outcomes as JSON: results by the contract of their demand. */
import type { ApplicationErrorView, ItemView, NodeService, OutcomeView } from "./ports.ts";

/** An application error; `details` as a JSON value. */
export interface ApplicationErrorJson {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: unknown;
}

/** An item as its producer reads it. */
export interface ItemJson {
  readonly ticket: string;
  readonly demand: string;
  readonly state: string;
  readonly attempts: { readonly acquired: number; readonly failed: number };
  readonly priority: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly provider?: string;
  readonly outcome?: OutcomeJson;
}

/** What a run came to: `result`, `error` or `system` is there. */
export interface OutcomeJson {
  readonly run: number;
  /** The response message by the protobuf JSON mapping. */
  readonly result?: unknown;
  /** Base64 of the binary result, when the contract that it belongs to is no longer configured. */
  readonly resultProtobuf?: string;
  readonly error?: ApplicationErrorJson;
  readonly system?: { readonly code: string; readonly message: string };
}

/** Where the contract of a result is found. */
type Contracts = Pick<NodeService, "contractOf">;

/** @returns the JSON form. Cost: decodes the result. */
export function itemJson(item: ItemView, node: Contracts): ItemJson {
  const { ticket, demand, state, attempts, priority, provider, outcome } = item;
  return {
    ticket,
    demand,
    state,
    attempts: { acquired: attempts.acquired, failed: attempts.failed },
    priority,
    createdAt: new Date(item.createdAtMs).toISOString(),
    ...(provider === undefined ? {} : { provider }),
    ...(outcome === undefined ? {} : { outcome: outcomeJson(outcome, demand, node) }),
  };
}

function outcomeJson(outcome: OutcomeView, demand: string, node: Contracts): OutcomeJson {
  const { run } = outcome;
  switch (outcome.kind) {
    case "result": {
      const decoded = node.contractOf("demand", demand)?.response.decodeToJson(outcome.result);
      return decoded?.ok === true
        ? { run, result: decoded.value }
        : { run, resultProtobuf: Buffer.from(outcome.result).toString("base64") };
    }
    case "error":
      return { run, error: applicationErrorJson(outcome.error) };
    case "system":
      return { run, system: outcome.system };
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

function applicationErrorJson(error: ApplicationErrorView): ApplicationErrorJson {
  const { code, message, retryable, details } = error;
  return {
    code,
    message,
    retryable,
    ...(details === "" ? {} : { details: parsedOrText(details) }),
  };
}

/** Details come from another program: what is no JSON is shown as the text it is. */
function parsedOrText(details: string): unknown {
  try {
    return JSON.parse(details);
  } catch {
    return details;
  }
}
