/**
 * Amounts of bytes: a string such as `256Mi`, `64Ki` or `"1048576"`. Always a string, never a
 * number: "integer or string" is a union, and unions are not structural in a CRD.
 */
import { z } from "zod";

/** What an amount of bytes looks like: a whole number, with or without a binary unit. */
export const quantityPattern = /^[0-9]{1,15}(Ki|Mi|Gi)?$/;

const unitBytes: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/**
 * Reads an amount of bytes.
 * @returns bytes; NaN for a text that does not match `quantityPattern`.
 */
export function quantityBytes(text: string): number {
  if (!quantityPattern.test(text)) return Number.NaN;
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
  return z
    .string()
    .max(18)
    .regex(quantityPattern, { abort: true })
    .refine(
      (text) =>
        quantityBytes(text) >= quantityBytes(min) && quantityBytes(text) <= quantityBytes(max),
      {
        error: "is out of range",
        params: { bound, remedy: `Write an amount of bytes from ${bound}.` },
      },
    )
    .meta({
      description: `${description} Bytes, from ${bound}.`,
      "x-kubernetes-validations": [
        {
          rule: `quantity(self).compareTo(quantity('${min}')) >= 0 && quantity(self).compareTo(quantity('${max}')) <= 0`,
          message: `must be an amount of bytes from ${bound}`,
        },
      ],
    });
}
