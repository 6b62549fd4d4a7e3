/** What is sent and what is wanted back: the part that Demand and Capability share. */
import { z } from "zod";

/** Full name of a protobuf message: package and name. */
export const messageNamePattern = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** A name that may stand in a path of the API: a DNS label. */
export const resourceNamePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Longest encoded descriptor set, bytes. */
export const maxDescriptorSetBytes = 256 * 1024;

/** The same in base64, characters. */
const maxDescriptorSetText = Math.ceil(maxDescriptorSetBytes / 3) * 4;

const messageName = z.string().min(1).max(255).regex(messageNamePattern);

const configMapRef = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
      .meta({ description: "Name of the ConfigMap, in the resource's namespace." }),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._a-zA-Z0-9]+$/)
      .meta({ description: "Key in its binaryData that holds the FileDescriptorSet." }),
  })
  .meta({
    description:
      "A ConfigMap with the descriptor set; `spillway contract FOLDER` writes it, `spillway up` takes the folder's .proto files instead.",
  });

const schemaSource = z
  .strictObject({
    configMapRef: configMapRef.optional(),
    descriptorSet: z
      .string()
      .min(4)
      .max(maxDescriptorSetText)
      .regex(/^[A-Za-z0-9+/]+={0,2}$/)
      .optional()
      .meta({ description: "An encoded FileDescriptorSet in base64, at most 256 KiB decoded." }),
  })
  .refine((it) => (it.configMapRef === undefined) !== (it.descriptorSet === undefined), {
    error: "must name exactly one source",
    params: {
      bound: "configMapRef or descriptorSet",
      remedy: "Give configMapRef or descriptorSet, not both and not neither.",
    },
  })
  .meta({
    description: "Where the messages are described; exactly one of the two.",
    "x-kubernetes-validations": [
      {
        rule: "[has(self.configMapRef), has(self.descriptorSet)].filter(x, x).size() == 1",
        message: "give exactly one of configMapRef and descriptorSet",
      },
    ],
  });

/** Request and response messages and where they are described. */
export const contractField = z
  .strictObject({
    request: messageName.meta({
      description: "Full name of the message that describes a piece of work. Immutable.",
      "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "request is immutable" }],
    }),
    response: messageName.meta({
      description: "Full name of the message that describes its result. Immutable.",
      "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "response is immutable" }],
    }),
    schema: schemaSource,
  })
  .meta({ description: "What is sent and what is wanted back." });

/** A contract as it is read from a resource. */
export type Contract = z.output<typeof contractField>;
