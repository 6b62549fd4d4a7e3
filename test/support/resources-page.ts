/** docs/resources.md and docs/refused-manifests.md, made from operator/schema. */
import {
  conditionReasons,
  conditionTypes,
  customResourceDefinition,
  type DefinedKind,
  definedKinds,
  schemas,
} from "../../operator/schema/index.ts";
import type { PrintedColumn } from "../../operator/schema/printed-columns.ts";
import { badCapabilities, badDemands, type BadManifest } from "./bad-manifests.ts";
import type { Json } from "./manifests.ts";
import { table } from "./page-table.ts";
import {
  deputyRefusals,
  podRefusals,
  type PolicyRefusal,
  refusingPolicies,
} from "./policy-refusals.ts";

/** Rows of a field and of everything below it. */
function fieldRows(part: Json, path: string, isRequired: boolean): string[][] {
  const row = [`\`${path}\``, typeText(part), defaultText(part, isRequired), part.description];
  const fields = Object.entries<Json>(part.properties ?? {}).flatMap(([name, field]) =>
    fieldRows(field, `${path}.${name}`, (part.required ?? []).includes(name)),
  );
  const isRecord = part.items?.type === "object";
  const items = isRecord ? fieldRows(part.items, `${path}[]`, false).slice(1) : [];
  return [row, ...fields, ...items];
}

function defaultText(part: Json, isRequired: boolean): string {
  if (isRequired) return "*required*";
  const { default: value } = part;
  return value === undefined || typeof value === "object" ? "" : `\`${String(value)}\``;
}

function typeText(part: Json): string {
  if (part.enum !== undefined) return part.enum.map((word: string) => `\`${word}\``).join(", ");
  switch (part.type) {
    case "integer":
      return `whole number${range(part)}`;
    case "number":
      return `number${range(part)}`;
    case "boolean":
      return "true or false";
    case "array":
      return `list, at most ${grouped(part.maxItems)}`;
    case "object":
      return part.additionalProperties?.type === "string"
        ? `map of texts, at most ${grouped(part.maxProperties)}`
        : "record";
    default:
      return textType(part);
  }
}

function textType(part: Json): string {
  if (part.format === "date-time") return "time, RFC 3339";
  const form: unknown = part["x-form"];
  return typeof form === "string" ? form : `text, at most ${grouped(part.maxLength)} characters`;
}

function range({ minimum, maximum }: Json): string {
  // A count or a generation: what bounds it is no news to anybody.
  if (maximum > 1e9) return "";
  return `, ${grouped(minimum)} to ${grouped(maximum)}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** Rules that a field's own type does not show: between fields, and against what was before. */
function ruleRows(part: Json, path: string): string[][] {
  const rules: Json[] = part["x-kubernetes-validations"] ?? [];
  const rows = rules
    .filter(({ message }) => !/^(is malformed|is out of range|has a name)/.test(message))
    .map(({ fieldPath = "", message }) => [`\`${path}${fieldPath}\``, message]);
  const fields = Object.entries<Json>(part.properties ?? {}).flatMap(([name, field]) =>
    ruleRows(field, `${path}.${name}`),
  );
  return [
    ...rows,
    ...fields,
    ...(part.items === undefined ? [] : ruleRows(part.items, `${path}[]`)),
  ];
}

function columnRow({ name, jsonPath, description, priority }: PrintedColumn): string[] {
  return [
    `\`${name.toUpperCase()}\``,
    `\`${jsonPath}\``,
    priority === undefined ? "" : "`-o wide`",
    description,
  ];
}

function kindSection(kind: DefinedKind): string {
  const { names, versions } = customResourceDefinition(kind).spec;
  const [version] = versions;
  const schema: Json = version?.schema.openAPIV3Schema;
  const spec: Json = (schemas[kind].document as Json).properties.spec;
  const { status } = schema.properties;
  const fields = (version?.selectableFields ?? []).map(
    ({ jsonPath }) => `\`${jsonPath.slice(1)}\``,
  );
  const head = ["field", "type and bounds", "default", "meaning"];
  return `## ${kind}

${schema.description} \`kubectl get ${names.plural}\`, \`${names.shortNames.join("`, `")}\`.

### Spec of a ${kind}

${table(head, fieldRows(spec, "spec", true).slice(1))}

Rules besides, each with the words of its refusal:

${table(["field", "refused with"], ruleRows(spec, "spec"))}

### Status of a ${kind}

Written by the operator; \`kubectl apply\` cannot change it.

${table(
  ["field", "type", "meaning"],
  fieldRows(status, "status", false)
    .slice(1)
    .map(([path = "", type = "", , meaning = ""]) => [path, type, meaning]),
)}

### Columns of \`kubectl get ${names.shortNames.join("")}\`

${table(["column", "field", "only with", "meaning"], (version?.additionalPrinterColumns ?? []).map(columnRow))}

Fields for \`--field-selector\`: ${fields.join(", ")}.
`;
}

/** @returns docs/resources.md: every field, condition and reason. */
export function resourcesPage(made: string): string {
  const words = (list: Readonly<Record<string, string>>): string[][] =>
    Object.entries(list).map(([word, sentence]) => [`\`${word}\``, sentence]);
  return `${made}

# Resources

API group \`spillway.dev/v1alpha1\`, namespaced, in the categories \`all\` and \`spillway\`. The same manifests
are read by \`spillway up\` on one machine. A manifest is checked by the API server with the same rules as by
\`up\`; what is refused is told as in [refused-manifests.md](refused-manifests.md).

The definitions are in \`crds/\`: \`kubectl apply --server-side -f crds/\`.

${definedKinds.map(kindSection).join("\n")}
## Conditions

Every condition has a type, a status (\`True\`, \`False\`, \`Unknown\`), a reason, a message for people, and
\`observedGeneration\`: the generation of the spec that it speaks of. Types and reasons are closed lists.

${table(["type", "`True` means"], words(conditionTypes))}

${table(["reason", "meaning and what to do"], words(conditionReasons))}
`;
}

/** @returns docs/refused-manifests.md: bad manifests with what is said of them. */
export function refusedManifestsPage(made: string): string {
  const rows = (list: readonly BadManifest[]): string[][] =>
    list.map(({ name, up, server }) => [name, `\`${up}\``, `\`${server}\``]);
  const head = ["refused for", "`spillway up` says", "the API server says"];
  return `${made}

# Refused manifests

What is said of a bad manifest. Both sides refuse the same: each field is tried at and beyond its bounds in a
test. Rules of our own have the same words on both sides; \`up\` adds file, line, column and what stands there.
Types, bounds and unknown fields are the API server's own business and have its own words there. Messages of
\`kubectl apply\` begin with \`The Demand "NAME" is invalid:\`.

## Demands

${table(head, rows(badDemands))}

## Capabilities

${table(head, rows(badCapabilities))}

## Admission policies

What the policies of an installation refuse, besides: who may ask for what. \`up\` has nobody to ask, and knows
none of them. The API server says it behind \`ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied
request:\`; what the rows say is tried on one.

Who gives a Capability \`scale\` must be allowed to scale its target (\`${refusingPolicies.deputy}\`):

${policyTable(Object.values(deputyRefusals))}

Of a pod the operator may change one annotation, whatever its role says (\`${refusingPolicies.pods}\`):

${policyTable(podRefusals)}
`;
}

function policyTable(refusals: readonly PolicyRefusal[]): string {
  const rows = refusals.map(({ name, says }) => [name, `\`${says}\``]);
  return table(["asked for", "the API server says"], rows);
}
