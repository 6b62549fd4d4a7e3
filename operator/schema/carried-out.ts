/** What the API takes and this version does not do yet: refused rather than silently left out. */
import type { Capability } from "./capability.ts";
import type { Demand } from "./demand.ts";
import type { FieldPath } from "./schema-document.ts";

/** A field that is accepted and not carried out. */
export interface NotCarriedOut {
  readonly path: FieldPath;
  /** What stands there, in a word. */
  readonly value: string;
}

/** @returns the fields of a resource that this version does not carry out; empty: it does all. */
export function notCarriedOut(
  resource: Pick<Demand, "kind" | "spec"> | Pick<Capability, "kind" | "spec">,
): readonly NotCarriedOut[] {
  if (resource.kind !== "Demand") return [];
  const { queue, rateLimit } = resource.spec;
  return [
    ...(queue.durability === "Disk"
      ? [{ path: ["spec", "queue", "durability"], value: queue.durability }]
      : []),
    ...(rateLimit === undefined ? [] : [{ path: ["spec", "rateLimit"], value: "present" }]),
  ];
}
