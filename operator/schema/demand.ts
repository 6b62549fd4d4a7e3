/** The Demand: a queue beside its producer, and what it wants from providers. */
import { z } from "zod";
import { contractField } from "./contract.ts";
import { demandStatus } from "./demand-status.ts";
import { durationField } from "./duration.ts";
import { notAbove } from "./order.ts";
import { quantityField } from "./quantity.ts";
import { resource } from "./resource.ts";
import { celRule } from "./rule.ts";
import { selectorField } from "./selector.ts";

const progress = notAbove({
  low: "progressTimeout",
  high: "maxRuntime",
  as: "duration",
  isOptional: true,
});

const lease = z
  .strictObject({
    duration: durationField("A lease that is not renewed ends after this.", {
      min: "1s",
      max: "1h",
    }).default("15s"),
    maxRuntime: durationField("Hard bound of one attempt.", { min: "1s", max: "24h" }).default(
      "10m",
    ),
    progressTimeout: durationField(
      "The application must report progress this often; absent: off.",
      {
        min: "1s",
        max: "24h",
      },
    ).optional(),
  })
  .superRefine(progress.refine)
  .meta({ description: "Bounds of one attempt.", "x-kubernetes-validations": [progress.rule] });

const growth = notAbove({ low: "initial", high: "max", as: "duration" });

const backoff = z
  .strictObject({
    initial: durationField("Longest delay after the first failed attempt.", {
      min: "1ms",
      max: "1h",
    }).default("200ms"),
    max: durationField("Longest delay after any failed attempt.", {
      min: "1ms",
      max: "24h",
    }).default("1m"),
    factor: z
      .number()
      .min(1)
      .max(10)
      .default(2)
      .meta({ description: "Growth of the delay from one failed attempt to the next." }),
  })
  .superRefine(growth.refine)
  .meta({
    description: "Delay before the next attempt: random from 0 to min(max, initial × factor^n).",
    "x-kubernetes-validations": [growth.rule],
  });

const retry = z
  .strictObject({
    maxAttempts: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .meta({ description: "Failed attempts before an item is dead." }),
    backoff: backoff.prefault({}),
  })
  .meta({ description: "What happens after a failed attempt." });

const queue = z
  .strictObject({
    maxItems: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .meta({ description: "Items that may wait, be delayed or be leased at once." }),
    maxBytes: quantityField("Payload of those items.", { min: "1Ki", max: "16Gi" }).default(
      "256Mi",
    ),
    overflow: z.enum(["Refuse", "Wait"]).default("Refuse").meta({
      description: "Beyond the bounds, Refuse answers QUEUE_FULL, Wait holds the caller.",
    }),
    durability: z.enum(["Memory", "Disk"]).default("Memory").meta({
      description:
        "A queue in Memory dies with its pod; Disk survives it and is not carried out yet.",
    }),
  })
  .meta({ description: "Bounds of what waits." });

const deadLetter = z
  .strictObject({
    maxItems: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1_000)
      .meta({ description: "Dead items kept; the oldest go first and are counted." }),
    maxAge: durationField("How long a dead item is kept.", { min: "1s", max: "720h" }).default(
      "24h",
    ),
  })
  .meta({ description: "Bounds of what was given up." });

const retention = z
  .strictObject({
    maxItems: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .meta({ description: "Outcomes kept; the oldest go first and are counted." }),
    maxBytes: quantityField("Payload of those outcomes.", { min: "1Ki", max: "16Gi" }).default(
      "64Mi",
    ),
    maxAge: durationField("How long an outcome is kept.", { min: "1s", max: "720h" }).default("1h"),
  })
  .meta({ description: "Bounds of the outcomes that are kept." });

/** One item in 1,000 s. */
const leastRate = 0.001;

const rateLimit = z
  .strictObject({
    perSecond: z
      .number()
      .min(leastRate)
      .max(1_000_000)
      .meta({
        description: "Items granted per second, on average.",
        // The API server compares whole numbers with a bound cut to a whole number: 0 would pass.
        "x-kubernetes-validations": [
          celRule(`self >= ${leastRate}`, {
            problem: "is out of range",
            remedy: `Write a number from ${leastRate} to 1000000.`,
          }),
        ],
      }),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1)
      .meta({ description: "Items granted at once after a pause." }),
    per: z
      .enum(["Demand", "FairnessKey"])
      .default("Demand")
      .meta({ description: "What the limit holds for." }),
  })
  .meta({ description: "Bound of how fast items are granted; absent: none. Not carried out yet." });

const providers = notAbove({ low: "desiredProviders", high: "maxProviders", as: "number" });

/** What a Demand's author writes. Defaults are filled in on reading. */
export const demandSpec = z
  .strictObject({
    contract: contractField,
    selector: selectorField("Pods whose sidecars host the queue, one queue each."),
    desiredProviders: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .meta({ description: "Providers wanted, per queue." }),
    maxProviders: z
      .int()
      .min(1)
      .max(1_000)
      .default(10)
      .meta({ description: "Providers admitted at most, per queue." }),
    lease: lease.prefault({}),
    retry: retry.prefault({}),
    queue: queue.prefault({}),
    deadLetter: deadLetter.prefault({}),
    retention: retention.prefault({}),
    rateLimit: rateLimit.optional(),
    paused: z.boolean().default(false).meta({ description: "Grant nothing; adding goes on." }),
  })
  .superRefine(providers.refine)
  .meta({
    description: "What is asked for, of whom, and within which bounds.",
    "x-kubernetes-validations": [providers.rule],
  });

/** The whole resource, as a manifest holds it. */
export const demandResource = resource({
  kind: "Demand",
  spec: demandSpec,
  status: demandStatus,
});

/** A Demand as it is read, with every default filled in. */
export type Demand = z.output<typeof demandResource>;
