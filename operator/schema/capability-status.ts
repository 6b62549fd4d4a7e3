/** What the operator says of a Capability: the sum of what the selected sidecars report. */
import { z } from "zod";
import {
  conditionsField,
  countField,
  generationField,
  timeField,
  type WithConditions,
} from "./status.ts";

const multicast = z
  .strictObject({
    reachable: countField("Sidecars that heard a neighbour by multicast."),
    unreachable: countField("Sidecars that probed and heard none."),
  })
  .meta({ description: "What probing multicast showed; a sidecar that did not probe is in none." });

const scaleState = z
  .strictObject({
    currentReplicas: countField("Replicas that the target asks for now."),
    desiredReplicas: countField("Replicas that the work justifies, within the bounds."),
    quiescingPods: countField("Pods that were asked to take nothing more before they are removed."),
    idleSince: timeField(
      "Since when there is no work; absent while there is, or may be.",
    ).optional(),
    lastScaleTime: timeField("When the operator changed the target's replicas last.").optional(),
  })
  .meta({ description: "What scaling came to; absent without spec.scale." });

/** The status of a Capability. */
export const capabilityStatus = z
  .strictObject({
    observedGeneration: generationField.optional(),
    selectedPods: countField("Pods that the selector matches."),
    providers: countField("Selected pods whose sidecar acknowledged this generation."),
    connections: countField("Queues joined, summed over all providers."),
    running: countField("Items that are worked on, over all providers."),
    multicast: multicast.optional(),
    scale: scaleState.optional(),
    conditions: conditionsField,
  })
  .meta({ description: "What the operator knows; written by the operator only." });

/** The status of a Capability. */
export type CapabilityStatus = WithConditions<z.output<typeof capabilityStatus>>;
