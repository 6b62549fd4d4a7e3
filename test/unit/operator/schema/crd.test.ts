import { describe, expect, test } from "vitest";
import { customResourceDefinition, definedKinds } from "../../../../operator/schema/index.ts";
import type { Json } from "../../../support/manifests.ts";

/** Every part of a schema, with its path. */
function parts(part: Json, path = ""): [string, Json][] {
  return [
    [path, part],
    ...Object.entries(part.properties ?? {}).flatMap(([name, field]) =>
      parts(field, `${path}.${name}`),
    ),
    ...(part.items === undefined ? [] : parts(part.items, `${path}[]`)),
    ...(part.additionalProperties === undefined
      ? []
      : parts(part.additionalProperties, `${path}{}`)),
  ];
}

function schemaOf(kind: (typeof definedKinds)[number]): Json {
  return customResourceDefinition(kind).spec.versions[0]?.schema.openAPIV3Schema;
}

describe.each(definedKinds)("the definition of a %s", (kind) => {
  const schema = schemaOf(kind);
  const all = parts(schema);

  test("uses only the words that a structural schema may have", () => {
    const allowed = /^(type|description|default|format|pattern|enum|items|properties|required)$/;
    const bounds = /^(minimum|maximum|minLength|maxLength|maxItems|maxProperties|minItems)$/;
    const extension = /^(additionalProperties|x-kubernetes-[a-z-]+)$/;
    for (const [path, part] of all) {
      for (const word of Object.keys(part)) {
        const isKnown = [allowed, bounds, extension].some((words) => words.test(word));
        expect(isKnown, `${path} has ${word}`).toBe(true);
      }
      expect(part.additionalProperties, path).not.toBe(false);
    }
  });

  test("describes and bounds every field that is ours", () => {
    for (const [path, part] of all) {
      if (path.startsWith(".metadata")) continue;
      expect(part.description, `${path} has no description`).toMatch(/\.$/);
      if (part.type === "string" && !/^\.(apiVersion|kind)$/.test(path)) {
        expect(part.maxLength ?? part.enum, `${path} is unbounded`).toBeDefined();
      }
      if (part.type === "array") expect(part.maxItems, path).toBeDefined();
      if (part.additionalProperties !== undefined) expect(part.maxProperties, path).toBeDefined();
      if (part.type === "integer") expect([path, part.format]).toEqual([path, widthOf(part)]);
    }
  });

  test("restricts nothing of the metadata but the name", () => {
    expect(Object.keys(schema.properties.metadata)).toEqual(["type", "properties"]);
    expect(Object.keys(schema.properties.metadata.properties)).toEqual(["name"]);
  });

  test("says in words what a pattern would say", () => {
    const patterns = all.filter(([, part]) => part.pattern !== undefined).map(([path]) => path);
    expect(patterns).toEqual([
      ".metadata.name",
      ".status.conditions[].type",
      ".status.conditions[].reason",
    ]);
  });

  test("has conditions that are one map by type", () => {
    expect(schema.properties.status.properties.conditions).toMatchObject({
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    });
  });

  test("prints columns and selects by fields that are there", () => {
    const [version] = customResourceDefinition(kind).spec.versions;
    const known = all.map(([path]) => path);
    const shown = [
      ...(version?.additionalPrinterColumns ?? []),
      ...(version?.selectableFields ?? []),
    ];
    for (const { jsonPath } of shown) {
      const path = jsonPath.replace(/\[\?\([^)]*\)\]/, "[]");
      if (path !== ".metadata.creationTimestamp") expect(known).toContain(path);
    }
    expect(version?.selectableFields.length).toBeLessThanOrEqual(8);
  });
});

function widthOf(part: Json): string {
  return part.maximum <= 2 ** 31 - 1 ? "int32" : "int64";
}

test("a default that is a record holds the defaults inside it, since rules judge it as it is", () => {
  const { retry } = schemaOf("Demand").properties.spec.properties;
  expect(retry.default).toEqual({
    maxAttempts: 5,
    backoff: { initial: "200ms", max: "1m", factor: 2 },
  });
});

test("names, short names and categories are those of the design", () => {
  const names = definedKinds.map((kind) => customResourceDefinition(kind).spec.names);
  expect(names.map(({ plural, shortNames }) => [plural, ...shortNames])).toEqual([
    ["demands", "dmd"],
    ["capabilities", "cap"],
  ]);
  for (const { categories } of names) expect(categories).toEqual(["all", "spillway"]);
});
