/** What every resource of the API group shares: its version, its kind and its name. */
import { z } from "zod";

/** A name that may stand in a path of the API: a DNS label. */
export const resourceNamePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Group of every resource. */
export const apiGroup = "spillway.dev";

/** Group and version of every resource. */
export const apiVersion = "spillway.dev/v1alpha1";

/**
 * Metadata as `kubectl` takes it. Only what is used here is checked, since the API server owns the
 * rest: other fields (uid, managedFields, …) pass, so that an exported resource can be read again.
 */
const metadata = z
  .looseObject({
    name: z.string().min(1).max(63).regex(resourceNamePattern).meta({
      description: "Name of the resource, a DNS label: it stands in paths of the API.",
    }),
  })
  .meta({
    description: "Kubernetes' object metadata; on one machine the namespace is the folder.",
  });

/**
 * A whole resource.
 * @param kind its kind.
 * @param spec its spec.
 */
export function resource<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.strictObject({
    apiVersion: z.literal(apiVersion).meta({ description: "Group and version." }),
    kind: z.literal(kind).meta({ description: "Kind." }),
    metadata,
    spec,
    status: z
      .unknown()
      .optional()
      .meta({ description: "Written by the operator; not read from a manifest." }),
  });
}
