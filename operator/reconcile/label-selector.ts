/**
 * Label selectors in their text form, as the subresource `scale` has them:
 * `app=web,tier in (a, b)`.
 * Source: Kubernetes, "Labels and Selectors", and apimachinery's `labels.Parse`.
 */
import type { Selector } from "../schema/index.ts";

type Expression = NonNullable<Selector["matchExpressions"]>[number];

const key = "[-A-Za-z0-9_./]+";
const setRequirement = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equality = new RegExp(`^(${key})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const existence = new RegExp(`^(!?)\\s*(${key})$`);

/**
 * Reads a selector.
 * @returns undefined for a text that is none, and for one that would select everything.
 */
export function parseLabelSelector(text: string): Selector | undefined {
  // Commas inside parentheses part values, not requirements.
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const matchExpressions = parts.map(requirementOf);
  const read = matchExpressions.filter((it) => it !== undefined);
  return read.length === parts.length ? { matchExpressions: read } : undefined;
}

function requirementOf(text: string): Expression | undefined {
  const ofSet = setRequirement.exec(text);
  if (ofSet !== null) {
    const [, name = "", operator, list = ""] = ofSet;
    const values = list.split(",").map((value) => value.trim());
    return { key: name, operator: operator === "in" ? "In" : "NotIn", values };
  }
  const equal = equality.exec(text);
  if (equal !== null) {
    const [, name = "", operator, value = ""] = equal;
    return { key: name, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
  }
  const exists = existence.exec(text);
  if (exists === null) return undefined;
  const [, not, name = ""] = exists;
  return { key: name, operator: not === "!" ? "DoesNotExist" : "Exists" };
}
