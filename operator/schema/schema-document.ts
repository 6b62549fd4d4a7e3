/**
 * The OpenAPI v3 form of a zod schema: what CRDs are made of, and where a refusal finds the bounds,
 * names and descriptions it speaks of.
 */
import { z } from "zod";

/** An OpenAPI schema. */
export type SchemaDocument = z.core.JSONSchema.BaseSchema;

/**
 * The document of a schema, as a manifest's author sees it (before defaults are filled in).
 * Cost: a walk of the whole schema; callers keep the result.
 */
export function schemaDocument(schema: z.ZodType): SchemaDocument {
  return z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" });
}

/** A place in a value: keys and list indexes from the outside in. */
export type FieldPath = readonly (string | number)[];

/** The part of a document that describes a place; undefined where it describes none. */
export function documentAt(document: SchemaDocument, path: FieldPath): SchemaDocument | undefined {
  let part: SchemaDocument | undefined = document;
  for (const key of path) {
    part = typeof key === "number" ? itemsOf(part) : fieldOf(part, key);
  }
  return part;
}

function itemsOf(part: SchemaDocument | undefined): SchemaDocument | undefined {
  const items = part?.items;
  return typeof items === "object" && !Array.isArray(items) ? items : undefined;
}

function fieldOf(part: SchemaDocument | undefined, key: string): SchemaDocument | undefined {
  const properties = part?.properties ?? {};
  const field = Object.hasOwn(properties, key) ? properties[key] : part?.additionalProperties;
  return typeof field === "object" ? field : undefined;
}
