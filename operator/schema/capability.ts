/** The Capability: work that a program can do, and how it wants to get it. */
import { z } from "zod";
import { contractField } from "./contract.ts";
import { durationField } from "./duration.ts";
import { resource } from "./resource.ts";
import { selectorField } from "./selector.ts";

/** A path of a URL, with its leading slash. */
export const pathPattern = /^\/[!-~]*$/;

/** A path of the application's HTTP server. */
const path = z.string().min(1).max(1_024).regex(pathPattern);

const deliver = z
  .strictObject({
    port: z
      .int()
      .min(1)
      .max(65_535)
      .meta({ description: "Port of the application on 127.0.0.1; on one machine its own port." }),
    path: path.default("/").meta({ description: "Path that takes each item by POST." }),
    readyPath: path.optional().meta({
      description:
        "Path that answers 2xx when the application is ready; absent: a connection is enough.",
    }),
  })
  .meta({ description: "Push each item to the application over HTTP; absent: it pulls." });

const targetRef = z
  .strictObject({
    apiVersion: z
      .literal("apps/v1")
      .default("apps/v1")
      .meta({ description: "Group and version of the target." }),
    kind: z.enum(["Deployment", "StatefulSet"]).meta({ description: "Kind of the target." }),
    name: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
      .meta({ description: "Name of the target, in the same namespace." }),
  })
  .meta({ description: "What is scaled." });

const scale = z
  .strictObject({
    targetRef,
    minReplicas: z.int().min(0).max(1_000).default(0).meta({ description: "Replicas at least." }),
    maxReplicas: z.int().min(1).max(1_000).meta({ description: "Replicas at most." }),
    itemsPerReplica: z
      .int()
      .min(1)
      .max(100_000)
      .default(10)
      .meta({ description: "Ready and leased items that justify one replica." }),
    idleAfter: durationField("Without work for this long, down to minReplicas.", {
      min: "1s",
      max: "24h",
    }).default("5m"),
    stabilization: durationField("The highest wish of this time is the one followed down.", {
      min: "1s",
      max: "1h",
    }).default("1m"),
  })
  .refine((it) => it.minReplicas <= it.maxReplicas, {
    path: ["minReplicas"],
    error: "is above maxReplicas",
    params: { bound: "maxReplicas", remedy: "Lower minReplicas or raise maxReplicas." },
  })
  .meta({
    description:
      "Let the operator scale the program with the work; absent: off. Not used on one machine.",
    "x-kubernetes-validations": [
      {
        rule: "self.minReplicas <= self.maxReplicas",
        message: "minReplicas must not be above maxReplicas",
      },
    ],
  });

/** What a Capability's author writes. Defaults are filled in on reading. */
export const capabilitySpec = z
  .strictObject({
    contract: contractField,
    selector: selectorField("Pods whose sidecars provide this work."),
    concurrency: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .meta({ description: "Items that one pod works on at once." }),
    maxDemands: z
      .int()
      .min(1)
      .max(1_000)
      .default(8)
      .meta({ description: "Queues that one pod joins at most." }),
    deliver: deliver.optional(),
    scale: scale.optional(),
  })
  .meta({ description: "What can be done, by whom, and how much at once." });

/** The whole resource, as a manifest holds it. */
export const capabilityResource = resource("Capability", capabilitySpec);

/** A Capability as it is read, with every default filled in. */
export type Capability = z.output<typeof capabilityResource>;
