/**
 * Amounts of bytes: a string such as `256Mi`, `64Ki` or `"1048576"`. Always a string, never a
 * number: "integer or string" is a union, and unions are not structural in a CRD.
 */
import { celRule, refusedWith } from "./rule.ts";
import { formField, matchesExpression, type TextForm } from "./text-form.ts";

/** What an amount of bytes looks like: a whole number, with or without a binary unit. */
export const quantityForm: TextForm = {
  pattern: /^[0-9]{1,15}(Ki|Mi|Gi)?$/,
  form: 'an amount of bytes such as 64Ki, 256Mi or "1048576"',
  maxLength: 18,
};

const unitBytes: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/**
 * Reads an amount of bytes.
 * @returns bytes; NaN for a text that is not of `quantityForm`.
 */
export function quantityBytes(text: string): number {
  if (!quantityForm.pattern.test(text)) return Number.NaN;
  const unit = text.slice(-2);
  const factor = unitBytes[unit];
  return factor === undefined ? Number(text) : Number(text.slice(0, -2)) * factor;
}

/** Bounds of a field of bytes, in the form that is written. */
export interface QuantityBounds {
  readonly min: string;
  readonly max: string;
}

/**
 * A field that holds an amount of bytes.
 * @param description what it means, one sentence; the bounds are added.
 */
export function quantityField(description: string, { min, max }: QuantityBounds) {
  const bound = `${min} to ${max}`;
  const words = {
    problem: "is out of range",
    bound,
    remedy: `Write an amount of bytes from ${bound}.`,
  };
  const compared = (limit: string): string => `quantity(self).compareTo(quantity('${limit}'))`;
  const inRange = `${compared(min)} >= 0 && ${compared(max)} <= 0`;
  return formField(quantityForm, {
    description: `${description} Bytes, from ${bound}.`,
    rules: [celRule(`!${matchesExpression(quantityForm)} || (${inRange})`, words)],
  }).refine(
    (text) =>
      quantityBytes(text) >= quantityBytes(min) && quantityBytes(text) <= quantityBytes(max),
    refusedWith(words),
  );
}
