/** `apps.yaml`: the programs of one machine that stand for a cluster's pods. */
import { z } from "zod";
import { resourceNamePattern } from "./resource.ts";
import { refusedWith, tooMany } from "./rule.ts";
import { labelMap } from "./selector.ts";

/** Sidecars (one per replica) that one machine runs at most: each costs about 100 MB. */
export const maxReplicasOfFolder = 64;

/** Names that `up` sets itself. */
const ownNames = ["SPILLWAY_SOCKET", "PORT", "PATH", "HOME"];

const env = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
    z.string().max(32_768),
  )
  .refine((it) => Object.keys(it).length <= 128, refusedWith(tooMany(128, "variables")))
  .refine((it) => !ownNames.some((name) => Object.hasOwn(it, name)), {
    error: "sets a variable that spillway sets itself",
    params: { bound: `none of ${ownNames.join(", ")}`, remedy: "Take it out of env." },
  })
  .meta({
    description:
      "Variables of the program, besides PATH, HOME, SPILLWAY_SOCKET and PORT. Nothing else is passed on.",
    maxProperties: 128,
  });

const app = z
  .strictObject({
    name: z.string().min(1).max(40).regex(resourceNamePattern).meta({
      description: "Name of the program, a DNS label; stands for the pod's name.",
    }),
    labels: labelMap("Labels that the resources' selectors match."),
    command: z
      .array(z.string().min(1).max(4_096).meta({ description: "A word of the command." }))
      .min(1)
      .max(128)
      .meta({
        description:
          "Program and arguments; no shell. Runs in the folder, PATH begins with node's.",
      }),
    replicas: z
      .int()
      .min(0)
      .max(maxReplicasOfFolder)
      .default(1)
      .meta({ description: "How many of it run." }),
    port: z.int().min(1).max(65_535).optional().meta({
      description: "Given as PORT; replicas beyond the first get the next free ones.",
    }),
    env: env.default({}),
  })
  .meta({ description: "A program." });

/** The file `apps.yaml`. */
export const appsFile = z
  .strictObject({
    apps: z.array(app).min(1).max(64).meta({ description: "Programs that run beside a sidecar." }),
  })
  .refine((it) => it.apps.reduce((sum, one) => sum + one.replicas, 0) <= maxReplicasOfFolder, {
    path: ["apps"],
    error: "ask for too many replicas together",
    params: {
      bound: String(maxReplicasOfFolder),
      remedy: "Lower replicas: each costs a sidecar of about 100 MB.",
    },
  })
  .meta({ description: "Programs of one machine." });

/** A program as it is read, with every default filled in. */
export type App = z.output<typeof app>;
