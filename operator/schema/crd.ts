/**
 * CustomResourceDefinitions, made from the schemas: the one place that knows what a structural
 * schema looks like. `npm run crds` writes them to crds/, where they are committed.
 * Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions".
 */
import { schemas } from "./check.ts";
import { type PrintedColumn, printedColumns } from "./printed-columns.ts";
import { apiGroup } from "./resource.ts";
import type { SchemaDocument } from "./schema-document.ts";
import { formWord } from "./text-form.ts";

/** What names a kind, apart from the kind itself. */
interface KindNames {
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  /** For `kubectl explain`. */
  readonly description: string;
  /** Fields that `kubectl get --field-selector` takes; at most 8, none of them in a list. */
  readonly selectableFields: readonly string[];
}

const contractFields = [".spec.contract.request", ".spec.contract.response"];

const kinds = {
  Demand: {
    plural: "demands",
    singular: "demand",
    shortName: "dmd",
    description: "A queue of work beside each selected pod, and what it wants from providers.",
    selectableFields: [...contractFields, ".spec.paused"],
  },
  Capability: {
    plural: "capabilities",
    singular: "capability",
    shortName: "cap",
    description: "Work that the selected pods can do, and how they want to get it.",
    selectableFields: [
      ...contractFields,
      ".spec.scale.targetRef.kind",
      ".spec.scale.targetRef.name",
    ],
  },
} as const satisfies Readonly<Record<string, KindNames>>;

/** Kinds that have a definition. */
export type DefinedKind = keyof typeof kinds;

/** Every kind that has a definition. */
export const definedKinds = ["Demand", "Capability"] as const satisfies readonly DefinedKind[];

/** A definition as `kubectl apply` takes it, a plain value of JSON. */
export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced";
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: SchemaDocument };
      readonly subresources: { readonly status: Readonly<Record<string, never>> };
      readonly additionalPrinterColumns: readonly PrintedColumn[];
      readonly selectableFields: readonly { readonly jsonPath: string }[];
    }[];
  };
}

/** @returns the definition of a kind. Cost: a walk of its schema. */
export function customResourceDefinition(kind: DefinedKind): CustomResourceDefinition {
  const { plural, singular, shortName, selectableFields } = kinds[kind];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        shortNames: [shortName],
        categories: ["all", "spillway"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: resourceSchema(kind) },
          subresources: { status: {} },
          additionalPrinterColumns: printedColumns[kind],
          selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })),
        },
      ],
    },
  };
}

/** Descriptions of what every object of Kubernetes has, for `kubectl explain`. */
const versionText = "Group and version of this representation of the object.";
const kindText = "Kind of the resource that this object represents.";

/** The schema of a whole resource. Of metadata nothing but the name may be restricted. */
export function resourceSchema(kind: DefinedKind): SchemaDocument {
  const { spec, metadata, status } = properties(schemas[kind].document);
  const { name } = properties(metadata);
  return {
    type: "object",
    description: kinds[kind].description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: versionText },
      kind: { type: "string", description: kindText },
      metadata: { type: "object", properties: { name: structural(name ?? {}) } },
      spec: structural(spec ?? {}),
      status: structural(status ?? {}),
    },
  };
}

function properties(part: SchemaDocument | undefined): Readonly<Record<string, SchemaDocument>> {
  const entries = Object.entries(part?.properties ?? {});
  return Object.fromEntries(
    entries.flatMap(([name, field]) => (typeof field === "object" ? [[name, field] as const] : [])),
  );
}

const largestInt32 = 2 ** 31 - 1;

/**
 * One part in the form that a definition takes: no `additionalProperties: false` (unknown fields
 * are pruned, and refused by strict validation), no pattern where a rule says it in words, and a
 * width for each whole number.
 */
function structural(part: SchemaDocument): SchemaDocument {
  const { items, additionalProperties } = part;
  const kept = Object.entries(part).filter(([word]) => {
    if (word === "pattern") return !Object.hasOwn(part, formWord);
    return !["properties", "items", "additionalProperties", "default", formWord].includes(word);
  });
  const fields = Object.entries(properties(part)).map(([name, field]): [string, SchemaDocument] => [
    name,
    structural(field),
  ]);
  return {
    ...Object.fromEntries<unknown>(kept),
    ...(part.default === undefined ? {} : { default: wholeDefault(part) }),
    ...(part.type === "integer" ? { format: widthOf(part) } : {}),
    ...(part.properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
    ...(isSchema(items) ? { items: structural(items) } : {}),
    ...(isSchema(additionalProperties)
      ? { additionalProperties: structural(additionalProperties) }
      : {}),
  };
}

/** A default with the defaults inside: rules of the API server judge it before it fills them in. */
function wholeDefault(part: SchemaDocument): unknown {
  if (part.type !== "object") return part.default;
  const inside = Object.entries(properties(part)).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, wholeDefault(field)] as const],
  );
  return {
    ...Object.fromEntries(inside),
    ...(typeof part.default === "object" ? part.default : {}),
  };
}

function isSchema(
  part: SchemaDocument["items"] | SchemaDocument["additionalProperties"],
): part is SchemaDocument {
  return typeof part === "object" && !Array.isArray(part);
}

function widthOf({ maximum = Infinity }: SchemaDocument): "int32" | "int64" {
  return maximum <= largestInt32 ? "int32" : "int64";
}
