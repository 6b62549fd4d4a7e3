/**
 * Which pods (programs, on one machine) a resource selects: Kubernetes' label selector, bounded.
 */
import { z } from "zod";

/** Prefix and name of a label key; Kubernetes' own rule. */
export const labelKeyPattern =
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Value of a label; Kubernetes' own rule. */
export const labelValuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const labelKey = z.string().min(1).max(317).regex(labelKeyPattern);
const labelValue = z.string().max(63).regex(labelValuePattern);

/**
 * A bounded map of labels.
 * @param description what the labels mean.
 */
export function labelMap(description: string, maxProperties = 16) {
  return z
    .record(labelKey, labelValue)
    .refine((labels) => Object.keys(labels).length <= maxProperties, {
      error: "has too many entries",
      params: { bound: String(maxProperties), remedy: `Keep ${maxProperties} labels or fewer.` },
    })
    .meta({ description, maxProperties });
}

const expression = z
  .strictObject({
    key: labelKey.meta({ description: "Key of the label that is looked at." }),
    operator: z
      .enum(["In", "NotIn", "Exists", "DoesNotExist"])
      .meta({ description: "How the label's value relates to `values`." }),
    values: z
      .array(labelValue.meta({ description: "A label value." }))
      .max(16)
      .optional()
      .meta({ description: "Values for In and NotIn; absent for Exists and DoesNotExist." }),
  })
  .refine((it) => it.operator.endsWith("In") === (it.values?.length ?? 0) > 0, {
    path: ["values"],
    error: "does not fit operator",
    params: {
      bound: "one or more with In and NotIn, none with Exists and DoesNotExist",
      remedy: "Add values, or change the operator.",
    },
  })
  .meta({
    description: "One condition on a label.",
    "x-kubernetes-validations": [
      {
        rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
        message: "values go with In and NotIn only",
      },
    ],
  });

/** The `selector` of a resource. @param description which pods are meant. */
export function selectorField(description: string) {
  return z
    .strictObject({
      matchLabels: labelMap("Labels that a pod must carry, every one of them.").optional(),
      matchExpressions: z
        .array(expression)
        .max(16)
        .optional()
        .meta({ description: "Conditions that a pod's labels must meet, every one of them." }),
    })
    .refine(
      (it) => Object.keys(it.matchLabels ?? {}).length + (it.matchExpressions?.length ?? 0) > 0,
      {
        error: "is empty and would select every pod",
        params: {
          bound: "at least one label or condition",
          remedy: "Add matchLabels, for example matchLabels: { app: web }.",
        },
      },
    )
    .meta({
      description,
      "x-kubernetes-validations": [
        {
          rule: "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)",
          message: "an empty selector would select every pod; add matchLabels or matchExpressions",
        },
      ],
    });
}

/** A label selector as it is read from a resource. */
export type Selector = z.output<ReturnType<typeof selectorField>>;

/**
 * Whether a selector matches labels. Source: Kubernetes, "Labels and Selectors" (`NotIn` also
 * matches where the key is absent).
 */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector.matchLabels ?? {});
  return (
    wanted.every(([key, value]) => labelOf(labels, key) === value) &&
    (selector.matchExpressions ?? []).every((it) => meets(it, labelOf(labels, it.key)))
  );
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function meets(condition: z.output<typeof expression>, value: string | undefined): boolean {
  switch (condition.operator) {
    case "In":
      return value !== undefined && (condition.values ?? []).includes(value);
    case "NotIn":
      return value === undefined || !(condition.values ?? []).includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
