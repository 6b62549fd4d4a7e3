/**
 * Which pods (programs, on one machine) a resource selects: Kubernetes' label selector, bounded.
 */
import { z } from "zod";
import { celRule, refusedWith, tooMany } from "./rule.ts";
import { dnsName, formField, matchesExpression, type TextForm } from "./text-form.ts";

/** Key of a label; Kubernetes' own rule. */
export const labelKeyForm: TextForm = {
  pattern: new RegExp(`^(${dnsName}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`),
  form: "a label's key such as app or example.com/tier",
  maxLength: 317,
};

/** Value of a label; Kubernetes' own rule. */
export const labelValueForm: TextForm = {
  pattern: /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  form: "a label's value: at most 63 letters, digits and inner dots, hyphens and underscores",
  maxLength: 63,
};

const labelKey = z.string().min(1).max(labelKeyForm.maxLength).regex(labelKeyForm.pattern);
const labelValue = formField(labelValueForm, { description: "A label's value." });
const badKey = {
  problem: "has a name that is not allowed",
  bound: labelKeyForm.form,
  remedy: "Rename it.",
};

const keyIsRight = `size(key) <= ${labelKeyForm.maxLength} && ${matchesExpression(labelKeyForm, "key")}`;

/**
 * A bounded map of labels.
 * @param description what the labels mean.
 */
export function labelMap(description: string, maxProperties = 16) {
  return z
    .record(labelKey, labelValue)
    .refine(
      (labels) => Object.keys(labels).length <= maxProperties,
      refusedWith(tooMany(maxProperties, "labels")),
    )
    .meta({
      description,
      maxProperties,
      "x-kubernetes-validations": [celRule(`self.all(key, ${keyIsRight})`, badKey)],
    });
}

const unfit = {
  problem: "does not fit operator",
  bound: "one or more with In and NotIn, none with Exists and DoesNotExist",
  remedy: "Add values, or change the operator.",
};

const expression = z
  .strictObject({
    key: formField(labelKeyForm, { description: "Key of the label that is looked at." }),
    operator: z
      .enum(["In", "NotIn", "Exists", "DoesNotExist"])
      .meta({ description: "How the label's value relates to `values`." }),
    values: z
      .array(labelValue)
      .max(16)
      .optional()
      .meta({ description: "Values for In and NotIn; absent for Exists and DoesNotExist." }),
  })
  .refine((it) => it.operator.endsWith("In") === (it.values?.length ?? 0) > 0, {
    path: ["values"],
    ...refusedWith(unfit),
  })
  .meta({
    description: "One condition on a label.",
    "x-kubernetes-validations": [
      celRule(
        "self.operator.endsWith('In') == (has(self.values) && size(self.values) > 0)",
        unfit,
        "values",
      ),
    ],
  });

const selectsAll = {
  problem: "is empty and would select every pod",
  bound: "at least one label or condition",
  remedy: "Add matchLabels, for example matchLabels: { app: web }.",
};

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
      refusedWith(selectsAll),
    )
    .meta({
      description,
      "x-kubernetes-map-type": "atomic",
      "x-kubernetes-validations": [
        celRule(
          "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)",
          selectsAll,
        ),
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
