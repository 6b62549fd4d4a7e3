/**
 * Resources as the API server gives them: with the metadata that it keeps, every default filled in
 * and the status of this version's words. What is stored may be older than the rules of today, so
 * that a refusal is an answer here, not an error.
 */
import { z } from "zod";
import type { Capability } from "./capability.ts";
import { type CapabilityStatus, capabilityStatus } from "./capability-status.ts";
import { check, type Checkable, schemas } from "./check.ts";
import type { Demand } from "./demand.ts";
import { type DemandStatus, demandStatus } from "./demand-status.ts";
import type { FieldRefusal } from "./refusal.ts";
import { withKnownConditions } from "./status.ts";

const words = z.record(z.string(), z.string()).default({});

/** Metadata of a stored resource, as far as the operator looks at it. */
const storedMetadata = z.object({
  name: z.string().min(1),
  namespace: z.string().min(1),
  uid: z.string().min(1),
  resourceVersion: z.string().min(1),
  generation: z.int().min(0),
  creationTimestamp: z.string().min(1).optional(),
  deletionTimestamp: z.string().min(1).optional(),
  labels: words,
  annotations: words,
});

/** Metadata of a stored resource. */
export type StoredMetadata = z.output<typeof storedMetadata>;

/** A resource of the API server. */
export interface Stored<Resource extends { spec: unknown }, Status> {
  readonly metadata: StoredMetadata;
  readonly spec: Resource["spec"];
  /**
   * What was written last; undefined before the first time and when it cannot be read, for then it
   * is written anew.
   */
  readonly status: Status | undefined;
}

/** A Demand of the API server. */
export type StoredDemand = Stored<Demand, DemandStatus> & { readonly kind: "Demand" };

/** A Capability of the API server. */
export type StoredCapability = Stored<Capability, CapabilityStatus> & {
  readonly kind: "Capability";
};

/** A stored resource, or why its spec is refused; metadata and status are there either way. */
export type ReadStored<T extends { readonly spec: unknown }> =
  | { readonly ok: true; readonly resource: T }
  | {
      readonly ok: false;
      readonly resource: Omit<T, "spec">;
      /** At least one. */
      readonly refusals: readonly FieldRefusal[];
    };

/** Reads the status of a Demand. @returns undefined when it cannot be read. */
export function readDemandStatus(status: unknown): DemandStatus | undefined {
  const parsed = demandStatus.safeParse(status);
  return parsed.success ? withKnownConditions(parsed.data) : undefined;
}

/** Reads the status of a Capability; as `readDemandStatus`. */
export function readCapabilityStatus(status: unknown): CapabilityStatus | undefined {
  const parsed = capabilityStatus.safeParse(status);
  return parsed.success ? withKnownConditions(parsed.data) : undefined;
}

/**
 * Reads a Demand.
 * @param value an object of the API server's answers, apiVersion and kind included.
 * @throws {z.ZodError} when the metadata are not those of a stored object: no server answers so.
 */
export function readDemand(value: unknown): ReadStored<StoredDemand> {
  return read(value, { kind: "Demand", checkable: schemas.Demand, statusOf: readDemandStatus });
}

/**
 * Reads a Capability.
 * @param value an object of the API server's answers, apiVersion and kind included.
 * @throws {z.ZodError} as `readDemand`.
 */
export function readCapability(value: unknown): ReadStored<StoredCapability> {
  return read(value, {
    kind: "Capability",
    checkable: schemas.Capability,
    statusOf: readCapabilityStatus,
  });
}

interface Reading<Kind, Resource, Status> {
  readonly kind: Kind;
  readonly checkable: Checkable<Resource>;
  readonly statusOf: (status: unknown) => Status | undefined;
}

const outside = z.object({
  apiVersion: z.unknown().optional(),
  kind: z.unknown().optional(),
  metadata: storedMetadata,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

function read<Kind extends string, Resource extends { spec: unknown }, Status>(
  value: unknown,
  { kind, checkable: form, statusOf }: Reading<Kind, Resource, Status>,
): ReadStored<Stored<Resource, Status> & { readonly kind: Kind }> {
  const { metadata, status, ...rest } = outside.parse(value);
  const around = { kind, metadata, status: statusOf(status) };
  // Metadata that a newer API server knows, or an odd status, is no fault of the spec.
  const checked = check(form, { ...rest, metadata: { name: metadata.name } });
  return checked.ok
    ? { ok: true, resource: { ...around, spec: checked.value.spec } }
    : { ok: false, resource: around, refusals: checked.refusals };
}
