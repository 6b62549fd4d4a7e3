/** What every resource of the API group shares: its version, its kind and its name. */
import { z } from "zod";
import { refusedWith, tooMany } from "./rule.ts";
import { labelKeyForm, labelMap } from "./selector.ts";
import type { TextForm } from "./text-form.ts";

/** A name that may stand in a path of the API: a DNS label. */
export const resourceNamePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Group of every resource. */
export const apiGroup = "spillway.dev";

/** Group and version of every resource. */
export const apiVersion = "spillway.dev/v1alpha1";

/** Labels, or annotations, of one resource. */
const maxMetadataEntries = 1_000;

/** Key of an annotation: that of a label, in small or large letters. */
export const annotationKeyForm: TextForm = {
  pattern: new RegExp(labelKeyForm.pattern.source, "i"),
  form: "an annotation's key such as example.com/note",
  maxLength: labelKeyForm.maxLength,
};

const annotationMap = z
  .record(
    z.string().min(1).max(annotationKeyForm.maxLength).regex(annotationKeyForm.pattern),
    z
      .string()
      .max(256 * 1024)
      .meta({ description: "An annotation's value." }),
  )
  .refine(
    (it) => Object.keys(it).length <= maxMetadataEntries,
    refusedWith(tooMany(maxMetadataEntries, "annotations")),
  )
  .meta({ description: "Annotations of the resource.", maxProperties: maxMetadataEntries });

/** Fields of the metadata that the API server owns: an exported resource can be read again. */
const owned = z.unknown().optional();

const metadata = z
  .strictObject({
    name: z.string().min(1).max(63).regex(resourceNamePattern).meta({
      description: "Name of the resource, a DNS label: it stands in paths of the API.",
    }),
    namespace: z.string().max(63).optional().meta({
      description: "Namespace; on one machine the folder is the namespace.",
    }),
    labels: labelMap("Labels of the resource itself.", maxMetadataEntries).optional(),
    annotations: annotationMap.optional(),
    creationTimestamp: owned,
    deletionGracePeriodSeconds: owned,
    deletionTimestamp: owned,
    finalizers: owned,
    generateName: owned,
    generation: owned,
    managedFields: owned,
    ownerReferences: owned,
    resourceVersion: owned,
    selfLink: owned,
    uid: owned,
  })
  .meta({ description: "Kubernetes' object metadata." });

/** What is a resource's own. */
interface ResourceParts<Kind extends string, Spec extends z.ZodType, Status extends z.ZodType> {
  readonly kind: Kind;
  readonly spec: Spec;
  /** Written by the operator; what a manifest holds of it is checked and left. */
  readonly status: Status;
}

/** A whole resource. */
export function resource<Kind extends string, Spec extends z.ZodType, Status extends z.ZodType>({
  kind,
  spec,
  status,
}: ResourceParts<Kind, Spec, Status>) {
  return z.strictObject({
    apiVersion: z.literal(apiVersion).meta({ description: "Group and version." }),
    kind: z.literal(kind).meta({ description: "Kind." }),
    metadata,
    spec,
    status: status.optional(),
  });
}
