/** What is sent and what is wanted back: the part that Demand and Capability share. */
import { z } from "zod";
import { celRule, refusedWith } from "./rule.ts";
import { dnsName, formField, type TextForm } from "./text-form.ts";

/** Full name of a protobuf message: package and name. */
export const messageNameForm: TextForm = {
  pattern: /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/,
  form: "a full message name such as images.v1.ThumbnailRequest",
  maxLength: 255,
};

/** Name of an object of Kubernetes. */
export const objectNameForm: TextForm = {
  pattern: new RegExp(`^${dnsName}$`),
  form: "a name of a to z, 0 to 9 and inner hyphens and dots",
  maxLength: 253,
};

/** Key in a ConfigMap. */
export const dataKeyForm: TextForm = {
  pattern: /^[-._a-zA-Z0-9]+$/,
  form: "a key of letters, digits, dots, hyphens and underscores",
  maxLength: 253,
};

/** Longest encoded descriptor set, bytes. */
export const maxDescriptorSetBytes = 256 * 1024;

/** The same in base64, characters. */
const maxDescriptorSetText = Math.ceil(maxDescriptorSetBytes / 3) * 4;

/** Bytes as text. */
export const base64Form: TextForm = {
  pattern: /^[A-Za-z0-9+/]{2,}={0,2}$/,
  form: "bytes in base64",
  maxLength: maxDescriptorSetText,
};

const configMapRef = z
  .strictObject({
    name: formField(objectNameForm, {
      description: "Name of the ConfigMap, in the resource's namespace.",
    }),
    key: formField(dataKeyForm, {
      description: "Key in its binaryData that holds the FileDescriptorSet.",
    }),
  })
  .meta({
    "x-kubernetes-map-type": "atomic",
    description:
      "A ConfigMap with the descriptor set; `spillway contract FOLDER` writes it, `spillway up` takes the folder's .proto files instead.",
  });

const oneSource = {
  problem: "must name exactly one source",
  bound: "configMapRef or descriptorSet",
  remedy: "Give configMapRef or descriptorSet, not both and not neither.",
};

const schemaSource = z
  .strictObject({
    configMapRef: configMapRef.optional(),
    descriptorSet: formField(base64Form, {
      description: "An encoded FileDescriptorSet in base64, at most 256 KiB decoded.",
    }).optional(),
  })
  .refine(
    (it) => (it.configMapRef === undefined) !== (it.descriptorSet === undefined),
    refusedWith(oneSource),
  )
  .meta({
    description: "Where the messages are described; exactly one of the two.",
    "x-kubernetes-validations": [
      celRule(
        "[has(self.configMapRef), has(self.descriptorSet)].filter(x, x).size() == 1",
        oneSource,
      ),
    ],
  });

/** What waits and what is connected was made for these messages. */
const immutable = celRule("self == oldSelf", {
  problem: "is immutable",
  remedy: "Make a resource of another name, and delete this one when its work is done.",
});

/** Request and response messages and where they are described. */
export const contractField = z
  .strictObject({
    request: formField(messageNameForm, {
      description: "Full name of the message that describes a piece of work. Immutable.",
      rules: [immutable],
    }),
    response: formField(messageNameForm, {
      description: "Full name of the message that describes its result. Immutable.",
      rules: [immutable],
    }),
    schema: schemaSource,
  })
  .meta({ description: "What is sent and what is wanted back." });

/** A contract as it is read from a resource. */
export type Contract = z.output<typeof contractField>;
