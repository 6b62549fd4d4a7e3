/** JSON schemas that several routes share; the routes check with them, OpenAPI shows them. */
import { apiLimits } from "./limits.ts";
import { jsonMediaType, protobufMediaType } from "./payload.ts";
import { problemMediaType } from "./problem.ts";
import { problemStatus, type ProblemCode } from "./problem-code.ts";

/** A name in a path. */
export const nameSchema = {
  type: "string",
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
  maxLength: 63,
} as const;

/** A ticket or a lease in a path: opaque. */
export const tokenSchema = {
  type: "string",
  pattern: "^[A-Za-z0-9_-]+$",
  maxLength: apiLimits.tokenLength,
} as const;

/** `?limit=&cursor=` of every list. */
export const pageQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    limit: {
      type: "integer",
      minimum: 1,
      maximum: apiLimits.pageItems,
      default: apiLimits.defaultPageItems,
    },
    cursor: { type: "string", maxLength: 256, description: "`next` of the page before." },
  },
} as const;

/** An error of the application. */
export const applicationErrorSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    code: { type: "string", maxLength: 64 },
    message: { type: "string", maxLength: 4_096 },
    details: { description: "Any JSON, at most 16 KiB." },
  },
} as const;

const counted = { type: "integer", minimum: 0 } as const;

const outcomeSchema = {
  type: "object",
  description: "Exactly one of result (or resultProtobuf), error and system.",
  required: ["run"],
  properties: {
    run: counted,
    result: { description: "The response message by the protobuf JSON mapping." },
    resultProtobuf: {
      type: "string",
      description: "Base64; instead of result when the contract is no longer configured.",
    },
    error: {
      type: "object",
      required: ["code", "message", "retryable"],
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        retryable: { type: "boolean" },
        details: { description: "Any JSON." },
      },
    },
    system: {
      type: "object",
      required: ["code", "message"],
      properties: { code: { type: "string" }, message: { type: "string" } },
    },
  },
} as const;

/** States of an item. */
export const itemStateSchema = {
  type: "string",
  enum: ["ready", "leased", "delayed", "done", "dead", "cancelled", "expired"],
} as const;

/** An item. */
export const itemSchema = {
  type: "object",
  required: ["ticket", "demand", "state", "attempts", "priority", "createdAt"],
  properties: {
    ticket: { type: "string" },
    demand: { type: "string" },
    state: itemStateSchema,
    attempts: {
      type: "object",
      required: ["acquired", "failed"],
      properties: { acquired: counted, failed: counted },
    },
    priority: { type: "integer", minimum: 0, maximum: 9 },
    createdAt: { type: "string", format: "date-time" },
    provider: { type: "string" },
    outcome: outcomeSchema,
  },
} as const;

const problemSchema = {
  type: "object",
  required: ["type", "title", "status", "code", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", enum: Object.keys(problemStatus) },
    detail: { type: "string" },
    fieldPath: { type: "string" },
    bound: { type: ["string", "number"] },
    value: { type: ["string", "number"] },
  },
} as const;

/** A media type and what it holds, as OpenAPI writes it. */
export type ContentSchema = Readonly<Record<string, { readonly schema: object }>>;

/** A payload: a message of the contract in either form. */
export const payloadContent: ContentSchema = {
  [jsonMediaType]: { schema: { description: "The message by the protobuf JSON mapping." } },
  [protobufMediaType]: { schema: { description: "The encoded message." } },
};

/** @returns the response entry of a JSON answer. */
export function jsonAnswer(
  description: string,
  schema: object,
  headers?: object,
): { readonly description: string; readonly content: ContentSchema; readonly headers?: object } {
  const content = { [jsonMediaType]: { schema } };
  return { description, content, ...(headers === undefined ? {} : { headers }) };
}

/** Problems that any call of the application interface may be answered with. */
const everywhere: readonly ProblemCode[] = ["INVALID_ARGUMENT", "INTERNAL", "NOT_CONFIGURED"];

/** @returns the response entries of problems, by status: those given, and those of every call. */
export function problemAnswers(...codes: readonly ProblemCode[]): Record<string, object> {
  const answers: Record<string, object> = {};
  for (const code of [...codes, ...everywhere]) {
    const status = problemStatus[code];
    const others = [...codes, ...everywhere].filter((each) => problemStatus[each] === status);
    answers[String(status)] = {
      description: [...new Set(others)].join(", "),
      content: { [problemMediaType]: { schema: problemSchema } },
    };
  }
  return answers;
}

/** An object schema that takes these properties and no others. */
export function closedObject(
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = [],
): object {
  return { type: "object", additionalProperties: false, properties, required };
}

/** An object schema of an answer. */
export function answerObject(properties: Readonly<Record<string, object>>): object {
  return { type: "object", required: Object.keys(properties), properties };
}
