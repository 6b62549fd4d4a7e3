import { expect, test } from "vitest";
import { schemas } from "../../../../operator/schema/index.ts";
import type { Json } from "../../../support/manifests.ts";

/**
 * Every place of a document that a CRD would refuse, or a user would find undocumented or
 * unbounded.
 */
function faults(part: Json, path: string): string[] {
  const found: string[] = [];
  const fault = (wrong: boolean, what: string) => {
    if (wrong) found.push(`${path}: ${what}`);
  };
  fault("anyOf" in part || "oneOf" in part || "allOf" in part, "is a union");
  fault(part.description === undefined, "has no description");
  switch (part.type) {
    case "object":
      fault(!("properties" in part) && part.maxProperties === undefined, "is an unbounded map");
      for (const [name, field] of Object.entries(part.properties ?? {}))
        found.push(...faults(field, `${path}.${name}`));
      break;
    case "array":
      fault(part.maxItems === undefined, "is an unbounded list");
      if (part.items.type === "object") found.push(...faults(part.items, `${path}[]`));
      break;
    case "string":
      fault(part.maxLength === undefined && part.enum === undefined, "is an unbounded text");
      break;
    case "integer":
    case "number":
      fault(part.minimum === undefined || part.maximum === undefined, "is an unbounded number");
      break;
    default:
      fault(part.type !== "boolean", `has the type ${part.type}`);
  }
  return found;
}

test.each(["Demand", "Capability"] as const)(
  "every field of a %s is structural, bounded and described",
  (kind) => {
    const document: Json = schemas[kind].document;
    expect(faults(document.properties.spec, "spec")).toEqual([]);
  },
);

test("every field of apps.yaml is bounded and described", () => {
  expect(faults(schemas.apps.document, "apps.yaml")).toEqual([]);
});

test("the check above finds a union, an unbounded list and a missing description", () => {
  const bad = { type: "object", properties: { a: { type: "array", items: {}, anyOf: [] } } };
  expect(faults(bad, "x")).toEqual([
    "x: has no description",
    "x.a: is a union",
    "x.a: has no description",
    "x.a: is an unbounded list",
  ]);
});
