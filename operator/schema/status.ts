/** What the status of every resource is made of: counts, times and conditions, all bounded. */
import { z } from "zod";
import {
  type ConditionReason,
  type ConditionType,
  isConditionReason,
  isConditionType,
} from "./conditions.ts";

/** Highest count: far above what a cluster holds, and exact in every JSON reader. */
const maxCount = 1_000_000_000_000;

/** A field that counts. @param description what is counted. */
export function countField(description: string) {
  return z.int().min(0).max(maxCount).optional().meta({ description });
}

/** A field that holds a moment, in the form of RFC 3339. @param description which moment. */
export function timeField(description: string) {
  return z.string().max(64).meta({ description, format: "date-time" });
}

/** `metadata.generation` as a status refers to it. */
export const generationField = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({ description: "metadata.generation of the spec that this speaks of." });

/**
 * Type and reason are texts here and not lists of words: a newer operator may know one more than
 * the definition that is installed. The lists bind what this operator writes.
 */
const condition = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Z][A-Za-z]*$/)
      .meta({
        description: "Accepted, Ready, Progressing, Degraded or MulticastReachable.",
      }),
    status: z.enum(["True", "False", "Unknown"]).meta({ description: "Whether it holds." }),
    observedGeneration: generationField,
    lastTransitionTime: timeField("When the status changed last."),
    reason: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Z][A-Za-z]*$/)
      .meta({ description: "Why, one word of a closed list." }),
    message: z.string().max(32_768).meta({ description: "Why, for people." }),
  })
  .meta({ description: "One thing that holds, does not hold, or is not known." });

/** The `conditions` of a status, one for each type. */
export const conditionsField = z
  .array(condition)
  .max(8)
  .default([])
  .meta({
    description: "What holds of the resource; present from the first look at it.",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
  });

/** A condition as the operator writes it. */
export interface Condition extends z.output<typeof condition> {
  readonly type: ConditionType;
  readonly reason: ConditionReason;
}

/** A status with the conditions of this version's lists. */
export type WithConditions<Status> = Omit<Status, "conditions"> & {
  readonly conditions: readonly Condition[];
};

/**
 * A status as it was stored, without the conditions that this version does not know: they were
 * written by a newer operator and are written anew.
 */
export function withKnownConditions<
  Status extends { readonly conditions: readonly z.output<typeof condition>[] },
>(status: Status): WithConditions<Status> {
  return { ...status, conditions: status.conditions.filter(isKnown) };
}

function isKnown(it: z.output<typeof condition>): it is Condition {
  return isConditionType(it.type) && isConditionReason(it.reason);
}
