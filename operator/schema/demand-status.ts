/** What the operator says of a Demand: the sum of what the selected sidecars report. */
import { z } from "zod";
import {
  conditionsField,
  countField,
  generationField,
  timeField,
  type WithConditions,
} from "./status.ts";

const items = z
  .strictObject({
    ready: countField("Items that wait for a provider."),
    delayed: countField("Items that wait for their time: a delay or a retry."),
    leased: countField("Items that a provider works on."),
    done: countField("Results that are kept."),
    dead: countField("Items that were given up and are kept."),
    cancelled: countField("Cancelled items whose outcome is kept."),
    expired: countField("Items whose deadline passed and whose outcome is kept."),
  })
  .meta({ description: "Items by state, over all queues; written at most every 30 s." });

/** The status of a Demand. */
export const demandStatus = z
  .strictObject({
    observedGeneration: generationField.optional(),
    selectedPods: countField("Pods that the selector matches."),
    queues: countField("Queues: selected pods whose sidecar acknowledged this generation."),
    items: items.optional(),
    oldestReadySince: timeField(
      "Since when the oldest ready item is ready; absent when none is.",
    ).optional(),
    connectedProviders: countField("Providers connected, each counted once over all queues."),
    providerDeficit: countField("Providers missing to desiredProviders, summed over all queues."),
    conditions: conditionsField,
  })
  .meta({ description: "What the operator knows; written by the operator only." });

/** The status of a Demand. */
export type DemandStatus = WithConditions<z.output<typeof demandStatus>>;
