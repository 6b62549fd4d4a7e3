/** Checks a parsed document against a schema and answers the typed value or every refusal. */
import type { z } from "zod";
import { appsFile } from "./apps.ts";
import { capabilityResource } from "./capability.ts";
import { demandResource } from "./demand.ts";
import { type FieldRefusal, refusalsOf } from "./refusal.ts";
import { type SchemaDocument, schemaDocument } from "./schema-document.ts";

/** The typed value, or what is wrong with it: at least one refusal, in the order of the schema. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusals: readonly FieldRefusal[] };

/** A schema together with its document, made once. */
export interface Checkable<T> {
  readonly schema: z.ZodType<T>;
  readonly document: SchemaDocument;
}

function checkable<T>(schema: z.ZodType<T>): Checkable<T> {
  return { schema, document: schemaDocument(schema) };
}

/** Every schema of the room by what it checks. */
export const schemas = {
  Demand: checkable(demandResource),
  Capability: checkable(capabilityResource),
  apps: checkable(appsFile),
} as const;

/**
 * Refusals of one document that are told at most: a wrong file is not a thousand lines of errors.
 */
const maxRefusals = 20;

/**
 * Checks a value.
 * @param checkable one of `schemas`.
 * @param value as a YAML or JSON parser gave it.
 */
export function check<T>({ schema, document }: Checkable<T>, value: unknown): Checked<T> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const refusals = result.error.issues.flatMap((issue) => refusalsOf(issue, { value, document }));
  return { ok: false, refusals: refusals.slice(0, maxRefusals) };
}
