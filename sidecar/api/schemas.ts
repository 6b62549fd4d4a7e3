/** JSON schemas that several routes share; the routes check with them, OpenAPI shows them. */
import { apiLimits } from "./limits.ts";
import { reasonCodes } from "./reason-code.ts";

/** A name in a path. */
export const nameSchema = {
  type: "string",
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
  maxLength: 63,
} as const;

/** A ticket in a path: opaque. */
export const ticketSchema = {
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

/** Why an item is where it is. */
export const explanationSchema = {
  type: "object",
  required: ["state", "reasons"],
  properties: {
    state: itemStateSchema,
    reasons: {
      type: "array",
      items: {
        type: "object",
        required: ["code", "message", "facts"],
        properties: {
          code: { type: "string", enum: reasonCodes },
          message: { type: "string" },
          facts: {
            type: "object",
            additionalProperties: { type: ["string", "number", "boolean"] },
          },
        },
      },
    },
  },
} as const;

/** An object schema that takes these properties and no others. */
export function closedObject(
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = [],
): object {
  return { type: "object", additionalProperties: false, properties, required };
}
