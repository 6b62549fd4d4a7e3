/** The rule that one field of a record is not above another. */
import type { z } from "zod";
import { durationMs } from "./duration.ts";
import { celRule } from "./rule.ts";

/** Two fields of one record, of which one must not be above the other. */
export interface Order<Low extends string, High extends string> {
  readonly low: Low;
  readonly high: High;
  /** How they are compared. */
  readonly as: "number" | "duration";
  /** Whether `low` may be absent; the rule then holds. @default false */
  readonly isOptional?: boolean;
}

type Comparable = string | number | undefined;

/**
 * The rule that `low` is not above `high`.
 * @returns `refine` for zod's superRefine and `rule` for the API server.
 */
export function notAbove<Low extends string, High extends string>(order: Order<Low, High>) {
  const { low, high, as, isOptional = false } = order;
  const words = { problem: `is above ${high}`, remedy: `Lower ${low} or raise ${high}.` };
  const amount = (value: Comparable): number =>
    as === "duration" ? durationMs(String(value)) : Number(value);
  const expression = (field: string): string =>
    as === "duration" ? `duration(self.${field})` : `self.${field}`;
  const compared = `${expression(low)} <= ${expression(high)}`;
  return {
    refine: (
      it: Readonly<Partial<Record<Low, Comparable>> & Record<High, Comparable>>,
      context: z.core.$RefinementCtx,
    ): void => {
      if (it[low] === undefined || !(amount(it[low]) > amount(it[high]))) return;
      const params = { bound: `at most ${String(it[high])}`, remedy: words.remedy, value: it[low] };
      context.addIssue({ code: "custom", path: [low], message: words.problem, params });
    },
    rule: celRule(isOptional ? `!has(self.${low}) || ${compared}` : compared, words, low),
  };
}
