/**
 * Texts of a named form (a duration, a label's name): a form is told by its name, not by its
 * regular expression. In a CRD the pattern therefore stands in a rule with words, not as `pattern`.
 */
import { z } from "zod";
import { type CelRule, celRule, type RuleWords } from "./rule.ts";

/** A form of texts. */
export interface TextForm {
  /** Anchored at both ends; in the syntax that RE2 shares with JavaScript, without quotes. */
  readonly pattern: RegExp;
  /** What is allowed, a noun with an example. */
  readonly form: string;
  /** Longest text, characters. */
  readonly maxLength: number;
}

const dnsLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** Source of a pattern for a DNS name: labels with dots between them. */
export const dnsName = `${dnsLabel}(\\.${dnsLabel})*`;

/** Where a document says of which form a text is. */
export const formWord = "x-form";

/** Why a text is not of a form. */
export function malformed({ form }: TextForm): RuleWords {
  return { problem: "is malformed", bound: form, remedy: `Write ${form}.` };
}

/** A CEL expression: whether a text (an expression too) is of a form. */
export function matchesExpression({ pattern }: TextForm, text = "self"): string {
  // JavaScript writes a slash as \/ in a pattern's source; RE2 needs no such escape.
  return `${text}.matches(r'${pattern.source.replaceAll("\\/", "/")}')`;
}

/** What a field of a form is, besides its form. */
export interface FormField {
  /** What it means, a sentence. */
  readonly description: string;
  /** Rules of the API server that hold for it besides. */
  readonly rules?: readonly CelRule[];
}

/** A field that holds a text of a form. */
export function formField(form: TextForm, { description, rules = [] }: FormField) {
  return z
    .string()
    .max(form.maxLength)
    .regex(form.pattern, { abort: true })
    .meta({
      description,
      [formWord]: form.form,
      "x-kubernetes-validations": [celRule(matchesExpression(form), malformed(form)), ...rules],
    });
}
