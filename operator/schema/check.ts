/** Checks a parsed document against a schema and answers the typed value or every refusal. */
import type { z } from "zod";
import { appsFile } from "./apps.ts";
import { capabilityResource } from "./capability.ts";
import { demandResource } from "./demand.ts";
import { type FieldRefusal, refusalsOf } from "./refusal.ts";
import { type SchemaDocument, schemaDocument } from "./schema-document.ts";
import { withoutNulls } from "./without-nulls.ts";

/** The typed value, or what is wrong with it: at least one refusal, in the order of the schema. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusals: readonly FieldRefusal[] };

/** A schema together with its document, made once. */
export interface Checkable<T> {
  readonly schema: z.ZodType<T>;
  readonly document: SchemaDocument;
  /** Whether a null counts as an absent field. */
  readonly isNullAbsent: boolean;
}

function checkable<T>(schema: z.ZodType<T>, { isNullAbsent }: { isNullAbsent: boolean }) {
  const made: Checkable<T> = { schema, document: schemaDocument(schema), isNullAbsent };
  return made;
}

/** Every schema of the room by what it checks. */
export const schemas = {
  Demand: checkable(demandResource, { isNullAbsent: true }),
  Capability: checkable(capabilityResource, { isNullAbsent: true }),
  apps: checkable(appsFile, { isNullAbsent: false }),
} as const;

/**
 * Refusals of one document that are told at most: a wrong file is not a thousand lines of errors.
 */
const maxRefusals = 20;

/**
 * Checks a value.
 * @param checkable one of `schemas`.
 * @param found as a YAML or JSON parser gave it.
 */
export function check<T>(checkable: Checkable<T>, found: unknown): Checked<T> {
  const { schema, document, isNullAbsent } = checkable;
  const value = isNullAbsent ? withoutNulls(found, document) : found;
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const refusals = result.error.issues.flatMap((issue) => refusalsOf(issue, { value, document }));
  return { ok: false, refusals: refusals.slice(0, maxRefusals) };
}
