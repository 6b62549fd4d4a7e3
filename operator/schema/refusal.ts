/**
 * Why a manifest is refused: each thing wrong with it as field, value, bound and remedy, in
 * sentences that do not depend on zod's own words.
 */
import type { z } from "zod";
import { pathForm } from "./capability.ts";
import { base64Form, dataKeyForm, messageNameForm, objectNameForm } from "./contract.ts";
import { durationForm } from "./duration.ts";
import { nearestName } from "./nearest-name.ts";
import { quantityForm } from "./quantity.ts";
import { annotationKeyForm, resourceNamePattern } from "./resource.ts";
import { labelKeyForm, labelValueForm } from "./selector.ts";
import type { TextForm } from "./text-form.ts";
import { documentAt, type FieldPath, type SchemaDocument } from "./schema-document.ts";

/** One thing wrong. */
export interface FieldRefusal {
  /** Where it is; the place of what is missing or unknown is the name itself. */
  readonly path: FieldPath;
  /** The path as it is written: `spec.retry.backoff.initial`, `apps[0].port`. */
  readonly field: string;
  /**
   * `key`: point at the name, not at what stands behind it. `parent`: there is nothing to point at.
   */
  readonly at: "value" | "key" | "parent";
  /** What is wrong, a clause that follows the field's name. */
  readonly problem: string;
  /**
   * The value found, as JSON, at most 60 characters; absent where there is none or it may be
   * secret.
   */
  readonly value?: string;
  /** What is allowed. */
  readonly bound?: string;
  /** What to do, a sentence. */
  readonly remedy: string;
}

/** A refusal without its remedy, a clause: `spec.paused is not true or false (it is 3; …)`. */
export function refusalText({ field, problem, value, bound }: FieldRefusal): string {
  const facts = [
    ...(value === undefined ? [] : [`it is ${value}`]),
    ...(bound === undefined ? [] : [`allowed: ${bound}`]),
  ].join("; ");
  return `${field} ${problem}${facts === "" ? "" : ` (${facts})`}`;
}

type Issue = z.core.$ZodIssue;

/** What a refusal is made of. */
export interface Refused {
  /** The value as it was checked. */
  readonly value: unknown;
  /** The document of the schema it was checked against. */
  readonly document: SchemaDocument;
}

/** Puts a zod issue into words. One issue can be several refusals (unknown fields). */
export function refusalsOf(issue: Issue, refused: Refused): FieldRefusal[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownField([...path, key], refused));
    case "invalid_key":
      return issue.issues.slice(0, 1).map((inner) => badKey(path, inner, refused));
    default:
      return [badValue(path, issue, refused)];
  }
}

function unknownField(path: FieldPath, { document }: Refused): FieldRefusal {
  const known = Object.keys(documentAt(document, path.slice(0, -1))?.properties ?? {});
  const near = nearestName(String(path.at(-1)), known);
  const remedy =
    near === undefined ? "Take it out, or write one of the known fields." : `Write ${near}.`;
  return {
    path,
    field: fieldText(path),
    at: "key",
    problem: "is no known field",
    bound: known.join(", "),
    remedy,
  };
}

function badKey(path: FieldPath, inner: Issue, refused: Refused): FieldRefusal {
  const base = badValue(path, inner, { ...refused, value: undefined });
  return {
    ...base,
    at: "key",
    problem: "has a name that is not allowed",
    remedy: "Rename it.",
    bound: inner.code === "invalid_format" ? patternText(inner) : (base.bound ?? ""),
  };
}

function badValue(path: FieldPath, issue: Issue, refused: Refused): FieldRefusal {
  const value = valueAt(refused.value, path);
  const part = documentAt(refused.document, path);
  if (value === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value")) {
    return {
      path,
      field: fieldText(path),
      at: "parent",
      problem: "is missing",
      remedy: `Add it: ${sentence(part?.description ?? "it is required")}`,
    };
  }
  const { problem, bound, remedy } = wordsFor(issue, part);
  const shown = path.includes("env") ? undefined : valueText(foundValue(issue, value));
  return {
    path,
    field: fieldText(path),
    at: "value",
    problem,
    ...(shown === undefined ? {} : { value: shown }),
    ...(bound === undefined ? {} : { bound }),
    remedy,
  };
}

interface Words {
  readonly problem: string;
  readonly bound?: string;
  readonly remedy: string;
}

function wordsFor(issue: Issue, part: SchemaDocument | undefined): Words {
  switch (issue.code) {
    case "too_big":
    case "too_small":
      return sizeWords(issue.origin, issue.code, part);
    case "invalid_type":
      return typeWords(issue.expected, part);
    case "invalid_value": {
      const bound = issue.values.map(String).join(", ");
      return {
        problem: "is not one of the allowed values",
        bound,
        remedy: `Write ${either(bound)}.`,
      };
    }
    case "invalid_format":
      return { problem: "is malformed", bound: patternText(issue), remedy: formatRemedy(issue) };
    case "custom": {
      const bound = parameter(issue, "bound");
      const remedy = parameter(issue, "remedy") ?? "Correct it.";
      return { problem: issue.message, ...(bound === undefined ? {} : { bound }), remedy };
    }
    default:
      return { problem: issue.message, remedy: "Correct it." };
  }
}

/** A rule that compares fields tells the value itself, since a default stands in no manifest. */
function foundValue(issue: Issue, value: unknown): unknown {
  return issue.code === "custom" ? (issue.params?.["value"] ?? value) : value;
}

function parameter(issue: z.core.$ZodIssueCustom, name: string): string | undefined {
  const value: unknown = issue.params?.[name];
  return typeof value === "string" ? value : undefined;
}

function either(list: string): string {
  const at = list.lastIndexOf(", ");
  return at < 0 ? list : `${list.slice(0, at)} or ${list.slice(at + 2)}`;
}

function sizeWords(
  origin: string,
  code: "too_big" | "too_small",
  part: SchemaDocument | undefined,
): Words {
  const big = code === "too_big";
  switch (origin) {
    case "string": {
      const bound = `${countText(part?.minLength, part?.maxLength)} characters`;
      return { problem: big ? "is too long" : "is too short", bound, remedy: `Write ${bound}.` };
    }
    case "array": {
      const bound = `${countText(part?.minItems, part?.maxItems)} entries`;
      const problem = big ? "has too many entries" : "has too few entries";
      return { problem, bound, remedy: `Give ${bound}.` };
    }
    default: {
      const bound = `${part?.minimum ?? "any"} to ${part?.maximum ?? "any"}`;
      const kind = part?.type === "integer" ? "a whole number" : "a number";
      return { problem: "is out of range", bound, remedy: `Write ${kind} from ${bound}.` };
    }
  }
}

function countText(least = 0, most = Infinity): string {
  return least === 0 ? `at most ${most}` : `${least} to ${most}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of fields",
  record: "a map",
};

function typeWords(expected: string, part: SchemaDocument | undefined): Words {
  const bound = typeNames[expected] ?? expected;
  if (part?.pattern === durationForm.pattern.source) {
    return {
      problem: "is no duration",
      bound: durationForm.form,
      remedy: "Write it with its unit.",
    };
  }
  if (part?.pattern === quantityForm.pattern.source) {
    return { problem: "is no text", bound: quantityForm.form, remedy: "Put it in quotes." };
  }
  const quotes = expected === "string" ? " Put it in quotes if it looks like something else." : "";
  return { problem: `is not ${bound}`, bound, remedy: `Write ${bound}.${quotes}` };
}

const forms: readonly TextForm[] = [
  durationForm,
  quantityForm,
  messageNameForm,
  objectNameForm,
  dataKeyForm,
  base64Form,
  labelKeyForm,
  labelValueForm,
  annotationKeyForm,
  pathForm,
];

/** Forms by the text of their pattern, since an issue carries only that. */
const formTexts: ReadonlyMap<string, string> = new Map([
  ...forms.map(({ pattern, form }) => [String(pattern), form] as const),
  [String(resourceNamePattern), "a DNS label: a to z, 0 to 9 and inner hyphens"],
]);

function patternText(issue: Issue): string {
  const pattern = issue.code === "invalid_format" ? String(issue.pattern) : "";
  return formTexts.get(pattern) ?? pattern;
}

function formatRemedy(issue: Issue): string {
  const text = patternText(issue);
  return text.startsWith("/") ? `Write a text that matches ${text}.` : `Write ${text}.`;
}

/** The path as it is written in sentences: `apps[0].env.NAME`; the whole is `the document`. */
export function fieldText(path: FieldPath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? key : `.${key}`;
  }
  return text === "" ? "the document" : text;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  let part = value;
  for (const key of path) {
    if (!isContainer(part) || !Object.hasOwn(part, key)) return undefined;
    part = part[key];
  }
  return part;
}

function isContainer(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === "object" && value !== null;
}

function valueText(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "object" && value !== null)) return undefined;
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function sentence(text: string): string {
  const lower = text.charAt(0).toLowerCase() + text.slice(1);
  return lower.endsWith(".") ? lower : `${lower}.`;
}
