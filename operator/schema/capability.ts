/** The Capability: work that a program can do, and how it wants to get it. */
import { z } from "zod";
import { capabilityStatus } from "./capability-status.ts";
import { contractField, objectNameForm } from "./contract.ts";
import { durationField } from "./duration.ts";
import { notAbove } from "./order.ts";
import { resource } from "./resource.ts";
import { selectorField } from "./selector.ts";
import { formField, type TextForm } from "./text-form.ts";

/** A path of the application's HTTP server. */
export const pathForm: TextForm = {
  pattern: /^\/[!-~]*$/,
  form: "a path that begins with a slash",
  maxLength: 1_024,
};

const deliver = z
  .strictObject({
    port: z
      .int()
      .min(1)
      .max(65_535)
      .meta({ description: "Port of the application on 127.0.0.1; on one machine its own port." }),
    path: formField(pathForm, { description: "Path that takes each item by POST." }).default("/"),
    readyPath: formField(pathForm, {
      description:
        "Path that answers 2xx when the application is ready; absent: a connection is enough.",
    }).optional(),
  })
  .meta({ description: "Push each item to the application over HTTP; absent: it pulls." });

const targetRef = z
  .strictObject({
    apiVersion: z
      .literal("apps/v1")
      .default("apps/v1")
      .meta({ description: "Group and version of the target." }),
    kind: z.enum(["Deployment", "StatefulSet"]).meta({ description: "Kind of the target." }),
    name: formField(objectNameForm, {
      description: "Name of the target, in the same namespace.",
    }),
  })
  .meta({ description: "What is scaled.", "x-kubernetes-map-type": "atomic" });

const replicas = notAbove({ low: "minReplicas", high: "maxReplicas", as: "number" });

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
  .superRefine(replicas.refine)
  .meta({
    description:
      "Let the operator scale the program with the work; absent: off. Not used on one machine.",
    "x-kubernetes-validations": [replicas.rule],
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
export const capabilityResource = resource({
  kind: "Capability",
  spec: capabilitySpec,
  status: capabilityStatus,
});

/** A Capability as it is read, with every default filled in. */
export type Capability = z.output<typeof capabilityResource>;
