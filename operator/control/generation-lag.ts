import type { PodRecord } from "./pod-record.ts";

/** How far attached sidecars are behind what they are to hold. */
export interface GenerationLag {
  /** Resources whose generation of now is not acknowledged, each counted once per sidecar. */
  readonly resources: number;
  /** Of the resource that a sidecar is furthest behind with; a first generation counts as one. */
  readonly generations: number;
}

/** Cost: one walk over all records and their resources. */
export function generationLag(records: Iterable<PodRecord>): GenerationLag {
  let resources = 0;
  let generations = 0;
  for (const { assignment, state } of records) {
    if (!state.attached) continue;
    for (const { uid, part } of assignment.resources.values()) {
      // What is kept has no generation: sidecars leave what they hold.
      if (part.value.type !== "demand" && part.value.type !== "capability") continue;
      const wanted = part.value.entry.resource?.generation ?? 0n;
      const held = state.acknowledged?.get(uid)?.resource?.generation ?? 0n;
      if (held >= wanted) continue;
      resources += 1;
      // Never told: one step away, however often it was edited before.
      generations = Math.max(generations, held === 0n ? 1 : Number(wanted - held));
    }
  }
  return { resources, generations };
}
