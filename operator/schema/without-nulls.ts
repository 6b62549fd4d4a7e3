/**
 * A field that is null counts as absent, as for the API server: `queue:` with nothing below it is
 * no mistake. Source: Kubernetes, "Defaulting and Nullable".
 */
import { documentAt, type SchemaDocument } from "./schema-document.ts";

/**
 * @returns the value without the fields that are null, as far as the document knows them; what is
 *   unknown and what stands in a list stays, to be refused.
 * Cost: a copy of every record.
 */
export function withoutNulls(value: unknown, document: SchemaDocument | undefined): unknown {
  if (document === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map((item) => withoutNulls(item, documentAt(document, [0])));
  }
  const kept = Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const part = documentAt(document, [name]);
    return field === null && part !== undefined ? [] : [[name, withoutNulls(field, part)] as const];
  });
  return Object.fromEntries(kept);
}
