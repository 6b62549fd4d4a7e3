/**
 * Manifests that are refused, each with the words of `spillway up` and of `kubectl apply` side by
 * side. test/unit holds the first against the schema, test/cluster the second against a real API
 * server; `npm run docs` makes a page of them.
 */
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";

/** A manifest that is refused for one thing. */
export interface BadManifest {
  /** What is wrong, a noun. */
  readonly name: string;
  /** Makes it wrong. */
  readonly change: (manifest: Json) => unknown;
  /** What `spillway up` says, after file, line and column. */
  readonly up: string;
  /** What the API server says, after `The Demand "NAME" is invalid:`, the first cause. */
  readonly server: string;
}

/** @returns the refused manifest. */
export function badManifest(kind: "Demand" | "Capability", { change }: BadManifest): Json {
  const make = kind === "Demand" ? demandManifest : capabilityManifest;
  return make((it) => void change(it));
}

/** Refused Demands. */
export const badDemands: readonly BadManifest[] = [
  {
    name: "an unknown field, with the nearest name",
    change: (it) => (it.spec.maxProvider = 3),
    up: "spec.maxProvider is no known field (allowed: contract, selector, desiredProviders, maxProviders, lease, retry, queue, deadLetter, retention, rateLimit, paused). Write maxProviders.",
    server: 'strict decoding error: unknown field "spec.maxProvider"',
  },
  {
    name: "an unknown field that is near to none",
    change: (it) => (it.spec.lease = { colour: 1 }),
    up: "spec.lease.colour is no known field (allowed: duration, maxRuntime, progressTimeout). Take it out, or write one of the known fields.",
    server: 'strict decoding error: unknown field "spec.lease.colour"',
  },
  {
    name: "a number above its bound",
    change: (it) => (it.spec.maxProviders = 2000),
    up: "spec.maxProviders is out of range (it is 2000; allowed: 1 to 1000). Write a whole number from 1 to 1000.",
    server:
      "spec.maxProviders: Invalid value: 2000: spec.maxProviders in body should be less than or equal to 1000",
  },
  {
    name: "a number below its bound",
    change: (it) => (it.spec.desiredProviders = 0),
    up: "spec.desiredProviders is out of range (it is 0; allowed: 1 to 1000). Write a whole number from 1 to 1000.",
    server:
      "spec.desiredProviders: Invalid value: 0: spec.desiredProviders in body should be greater than or equal to 1",
  },
  {
    name: "desired above max",
    change: (it) => Object.assign(it.spec, { desiredProviders: 6, maxProviders: 5 }),
    up: "spec.desiredProviders is above maxProviders (it is 6; allowed: at most 5). Lower desiredProviders or raise maxProviders.",
    server:
      "spec.desiredProviders: Invalid value: is above maxProviders. Lower desiredProviders or raise maxProviders.",
  },
  {
    name: "desired above the default of max",
    change: (it) => (it.spec.desiredProviders = 11),
    up: "spec.desiredProviders is above maxProviders (it is 11; allowed: at most 10). Lower desiredProviders or raise maxProviders.",
    server:
      "spec.desiredProviders: Invalid value: is above maxProviders. Lower desiredProviders or raise maxProviders.",
  },
  {
    name: "a fraction where a whole number is needed",
    change: (it) => (it.spec.retry = { maxAttempts: 2.5 }),
    up: "spec.retry.maxAttempts is not a whole number (it is 2.5; allowed: a whole number). Write a whole number.",
    server:
      'spec.retry.maxAttempts: Invalid value: "float64": spec.retry.maxAttempts in body must be of type int32: "float64"',
  },
  {
    name: "a duration without a unit",
    change: (it) => (it.spec.lease = { duration: 10 }),
    up: "spec.lease.duration is no duration (it is 10; allowed: a duration such as 250ms, 5s or 1h30m). Write it with its unit.",
    server:
      'spec.lease.duration: Invalid value: "integer": spec.lease.duration in body must be of type string: "integer"',
  },
  {
    name: "a malformed duration",
    change: (it) => (it.spec.lease = { duration: "5 s" }),
    up: 'spec.lease.duration is malformed (it is "5 s"; allowed: a duration such as 250ms, 5s or 1h30m). Write a duration such as 250ms, 5s or 1h30m.',
    server:
      'spec.lease.duration: Invalid value: "5 s": is malformed. Write a duration such as 250ms, 5s or 1h30m.',
  },
  {
    name: "a duration out of its bounds",
    change: (it) => (it.spec.lease = { duration: "2h" }),
    up: 'spec.lease.duration is out of range (it is "2h"; allowed: 1s to 1h). Write a duration from 1s to 1h.',
    server:
      'spec.lease.duration: Invalid value: "2h": is out of range. Write a duration from 1s to 1h.',
  },
  {
    name: "a duration of very many digits",
    change: (it) => (it.spec.lease = { duration: "999999999h" }),
    up: 'spec.lease.duration is out of range (it is "999999999h"; allowed: 1s to 1h). Write a duration from 1s to 1h.',
    server:
      "spec.lease.duration: Invalid value: \"string\": type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: is out of range. Write a duration from 1s to 1h.",
  },
  {
    name: "a backoff that begins above its end",
    change: (it) => (it.spec.retry = { backoff: { initial: "2m" } }),
    up: 'spec.retry.backoff.initial is above max (it is "2m"; allowed: at most 1m). Lower initial or raise max.',
    server: "spec.retry.backoff.initial: Invalid value: is above max. Lower initial or raise max.",
  },
  {
    name: "a backoff that ends below its default beginning",
    change: (it) => (it.spec.retry = { backoff: { max: "100ms" } }),
    up: 'spec.retry.backoff.initial is above max (it is "200ms"; allowed: at most 100ms). Lower initial or raise max.',
    server: "spec.retry.backoff.initial: Invalid value: is above max. Lower initial or raise max.",
  },
  {
    name: "a backoff's factor below one",
    change: (it) => (it.spec.retry = { backoff: { factor: 0.5 } }),
    up: "spec.retry.backoff.factor is out of range (it is 0.5; allowed: 1 to 10). Write a number from 1 to 10.",
    server:
      "spec.retry.backoff.factor: Invalid value: 0.5: spec.retry.backoff.factor in body should be greater than or equal to 1",
  },
  {
    name: "a progress timeout above the run time",
    change: (it) => (it.spec.lease = { progressTimeout: "1h" }),
    up: 'spec.lease.progressTimeout is above maxRuntime (it is "1h"; allowed: at most 10m). Lower progressTimeout or raise maxRuntime.',
    server:
      "spec.lease.progressTimeout: Invalid value: is above maxRuntime. Lower progressTimeout or raise maxRuntime.",
  },
  {
    name: "an amount of bytes that is a number",
    change: (it) => (it.spec.queue = { maxBytes: 1048576 }),
    up: 'spec.queue.maxBytes is no text (it is 1048576; allowed: an amount of bytes such as 64Ki, 256Mi or "1048576"). Put it in quotes.',
    server:
      'spec.queue.maxBytes: Invalid value: "integer": spec.queue.maxBytes in body must be of type string: "integer"',
  },
  {
    name: "a malformed amount of bytes",
    change: (it) => (it.spec.queue = { maxBytes: "64 MB" }),
    up: 'spec.queue.maxBytes is malformed (it is "64 MB"; allowed: an amount of bytes such as 64Ki, 256Mi or "1048576"). Write an amount of bytes such as 64Ki, 256Mi or "1048576".',
    server:
      'spec.queue.maxBytes: Invalid value: "64 MB": is malformed. Write an amount of bytes such as 64Ki, 256Mi or "1048576".',
  },
  {
    name: "an amount of bytes out of its bounds",
    change: (it) => (it.spec.queue = { maxBytes: "17Gi" }),
    up: 'spec.queue.maxBytes is out of range (it is "17Gi"; allowed: 1Ki to 16Gi). Write an amount of bytes from 1Ki to 16Gi.',
    server:
      'spec.queue.maxBytes: Invalid value: "17Gi": is out of range. Write an amount of bytes from 1Ki to 16Gi.',
  },
  {
    name: "a word that is none of the allowed",
    change: (it) => (it.spec.queue = { overflow: "wait" }),
    up: 'spec.queue.overflow is not one of the allowed values (it is "wait"; allowed: Refuse, Wait). Write Refuse or Wait.',
    server: 'spec.queue.overflow: Unsupported value: "wait": supported values: "Refuse", "Wait"',
  },
  {
    name: "a text for true or false",
    change: (it) => (it.spec.paused = "yes"),
    up: 'spec.paused is not true or false (it is "yes"; allowed: true or false). Write true or false.',
    server:
      'spec.paused: Invalid value: "string": spec.paused in body must be of type boolean: "string"',
  },
  {
    name: "an empty selector",
    change: (it) => (it.spec.selector = {}),
    up: "spec.selector is empty and would select every pod (allowed: at least one label or condition). Add matchLabels, for example matchLabels: { app: web }.",
    server:
      "spec.selector: Invalid value: is empty and would select every pod (allowed: at least one label or condition). Add matchLabels, for example matchLabels: { app: web }.",
  },
  {
    name: "a selector whose labels are none",
    change: (it) => (it.spec.selector = { matchLabels: {} }),
    up: "spec.selector is empty and would select every pod (allowed: at least one label or condition). Add matchLabels, for example matchLabels: { app: web }.",
    server:
      "spec.selector: Invalid value: is empty and would select every pod (allowed: at least one label or condition). Add matchLabels, for example matchLabels: { app: web }.",
  },
  {
    name: "values beside an operator that takes none",
    change: (it) =>
      (it.spec.selector = { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }),
    up: "spec.selector.matchExpressions[0].values does not fit operator (allowed: one or more with In and NotIn, none with Exists and DoesNotExist). Add values, or change the operator.",
    server:
      "spec.selector.matchExpressions[0].values: Invalid value: does not fit operator (allowed: one or more with In and NotIn, none with Exists and DoesNotExist). Add values, or change the operator.",
  },
  {
    name: "an operator without its values",
    change: (it) => (it.spec.selector = { matchExpressions: [{ key: "a", operator: "In" }] }),
    up: "spec.selector.matchExpressions[0].values does not fit operator (allowed: one or more with In and NotIn, none with Exists and DoesNotExist). Add values, or change the operator.",
    server:
      "spec.selector.matchExpressions[0].values: Invalid value: does not fit operator (allowed: one or more with In and NotIn, none with Exists and DoesNotExist). Add values, or change the operator.",
  },
  {
    name: "a label's key that is none",
    change: (it) => (it.spec.selector = { matchLabels: { "-app": "web" } }),
    up: "spec.selector.matchLabels.-app has a name that is not allowed (allowed: a label's key such as app or example.com/tier). Rename it.",
    server:
      "spec.selector.matchLabels: Invalid value: has a name that is not allowed (allowed: a label's key such as app or example.com/tier). Rename it.",
  },
  {
    name: "a label's value that is none",
    change: (it) => (it.spec.selector = { matchLabels: { app: "my web" } }),
    up: "spec.selector.matchLabels.app is malformed (it is \"my web\"; allowed: a label's value: at most 63 letters, digits and inner dots, hyphens and underscores). Write a label's value: at most 63 letters, digits and inner dots, hyphens and underscores.",
    server:
      'spec.selector.matchLabels[app]: Invalid value: "my web": is malformed. Write a label\'s value: at most 63 letters, digits and inner dots, hyphens and underscores.',
  },
  {
    name: "a label value that YAML took for a number",
    change: (it) => (it.spec.selector = { matchLabels: { tier: 3 } }),
    up: "spec.selector.matchLabels.tier is not a text (it is 3; allowed: a text). Write a text. Put it in quotes if it looks like something else.",
    server:
      'spec.selector.matchLabels.tier: Invalid value: "integer": spec.selector.matchLabels.tier in body must be of type string: "integer"',
  },
  {
    name: "too many labels",
    change: (it) =>
      (it.spec.selector = {
        matchLabels: Object.fromEntries(
          Array.from({ length: 17 }, (_, index) => [`l${index}`, "x"]),
        ),
      }),
    up: "spec.selector.matchLabels has too many entries (allowed: 16). Keep 16 labels or fewer.",
    server: "spec.selector.matchLabels: Too many: 17: must have at most 16 items",
  },
  {
    name: "a contract without a schema's source",
    change: (it) => (it.spec.contract.schema = {}),
    up: "spec.contract.schema must name exactly one source (allowed: configMapRef or descriptorSet). Give configMapRef or descriptorSet, not both and not neither.",
    server:
      "spec.contract.schema: Invalid value: must name exactly one source. Give configMapRef or descriptorSet, not both and not neither.",
  },
  {
    name: "a contract with two sources",
    change: (it) => (it.spec.contract.schema.descriptorSet = "AAAA"),
    up: "spec.contract.schema must name exactly one source (allowed: configMapRef or descriptorSet). Give configMapRef or descriptorSet, not both and not neither.",
    server:
      "spec.contract.schema: Invalid value: must name exactly one source. Give configMapRef or descriptorSet, not both and not neither.",
  },
  {
    name: "a descriptor set that is no base64",
    change: (it) => (it.spec.contract.schema = { descriptorSet: "*" }),
    up: 'spec.contract.schema.descriptorSet is malformed (it is "*"; allowed: bytes in base64). Write bytes in base64.',
    server:
      'spec.contract.schema.descriptorSet: Invalid value: "*": is malformed. Write bytes in base64.',
  },
  {
    name: "a ConfigMap's name that is none",
    change: (it) => (it.spec.contract.schema.configMapRef.name = "My Map"),
    up: 'spec.contract.schema.configMapRef.name is malformed (it is "My Map"; allowed: a name of a to z, 0 to 9 and inner hyphens and dots). Write a name of a to z, 0 to 9 and inner hyphens and dots.',
    server:
      'spec.contract.schema.configMapRef.name: Invalid value: "My Map": is malformed. Write a name of a to z, 0 to 9 and inner hyphens and dots.',
  },
  {
    name: "a ConfigMap's key that is none",
    change: (it) => (it.spec.contract.schema.configMapRef.key = "a/b"),
    up: 'spec.contract.schema.configMapRef.key is malformed (it is "a/b"; allowed: a key of letters, digits, dots, hyphens and underscores). Write a key of letters, digits, dots, hyphens and underscores.',
    server:
      'spec.contract.schema.configMapRef.key: Invalid value: "a/b": is malformed. Write a key of letters, digits, dots, hyphens and underscores.',
  },
  {
    name: "a missing contract",
    change: (it) => delete it.spec.contract,
    up: "spec.contract is missing. Add it: what is sent and what is wanted back.",
    server: "spec.contract: Required value",
  },
  {
    name: "a missing selector",
    change: (it) => delete it.spec.selector,
    up: "spec.selector is missing. Add it: pods whose sidecars host the queue, one queue each.",
    server: "spec.selector: Required value",
  },
  {
    name: "a missing spec",
    change: (it) => delete it.spec,
    up: "spec is missing. Add it: what is asked for, of whom, and within which bounds.",
    server: "spec: Required value",
  },
  {
    name: "a message name that is none",
    change: (it) => (it.spec.contract.request = "images/ThumbnailRequest"),
    up: 'spec.contract.request is malformed (it is "images/ThumbnailRequest"; allowed: a full message name such as images.v1.ThumbnailRequest). Write a full message name such as images.v1.ThumbnailRequest.',
    server:
      'spec.contract.request: Invalid value: "images/ThumbnailRequest": is malformed. Write a full message name such as images.v1.ThumbnailRequest.',
  },
  {
    name: "a message name that is too long",
    change: (it) => (it.spec.contract.request = "a".repeat(256)),
    up: 'spec.contract.request is too long (it is "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…; allowed: at most 255 characters). Write at most 255 characters.',
    server: "spec.contract.request: Too long: may not be more than 255 bytes",
  },
  {
    name: "a name that cannot stand in a path",
    change: (it) => (it.metadata.name = "thumb.nails"),
    up: 'metadata.name is malformed (it is "thumb.nails"; allowed: a DNS label: a to z, 0 to 9 and inner hyphens). Write a DNS label: a to z, 0 to 9 and inner hyphens.',
    server:
      "metadata.name: Invalid value: \"thumb.nails\": metadata.name in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
  },
  {
    name: "a name that is too long",
    change: (it) => (it.metadata.name = "a".repeat(64)),
    up: 'metadata.name is too long (it is "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…; allowed: 1 to 63 characters). Write 1 to 63 characters.',
    server: "metadata.name: Too long: may not be more than 63 bytes",
  },
  {
    name: "a rate limit of nothing",
    change: (it) => (it.spec.rateLimit = { perSecond: 0 }),
    up: "spec.rateLimit.perSecond is out of range (it is 0; allowed: 0.001 to 1000000). Write a number from 0.001 to 1000000.",
    server:
      "spec.rateLimit.perSecond: Invalid value: 0: is out of range. Write a number from 0.001 to 1000000.",
  },
  {
    name: "a list in the place of a map",
    change: (it) => (it.spec.retry = []),
    up: "spec.retry is not a map of fields (allowed: a map of fields). Write a map of fields.",
    server:
      'spec.retry: Invalid value: "array": spec.retry in body must be of type object: "array"',
  },
  {
    name: "an unknown field of the metadata",
    change: (it) => (it.metadata.lables = {}),
    up: "metadata.lables is no known field (allowed: name, namespace, labels, annotations, creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, finalizers, generateName, generation, managedFields, ownerReferences, resourceVersion, selfLink, uid). Write labels.",
    server: 'strict decoding error: unknown field "metadata.lables"',
  },
  {
    name: "an unknown field beside the spec",
    change: (it) => (it.specs = {}),
    up: "specs is no known field (allowed: apiVersion, kind, metadata, spec, status). Write spec.",
    server: 'strict decoding error: unknown field "specs"',
  },
  {
    name: "an unknown field of the status",
    change: (it) => (it.status = { colour: 1 }),
    up: "status.colour is no known field (allowed: observedGeneration, selectedPods, queues, items, oldestReadySince, connectedProviders, providerDeficit, conditions). Take it out, or write one of the known fields.",
    server: 'strict decoding error: unknown field "status.colour"',
  },
  {
    name: "another version of the API",
    change: (it) => (it.apiVersion = "spillway.dev/v1"),
    up: 'apiVersion is not one of the allowed values (it is "spillway.dev/v1"; allowed: spillway.dev/v1alpha1). Write spillway.dev/v1alpha1.',
    server: 'no matches for kind "Demand" in version "spillway.dev/v1"',
  },
  {
    name: "a label of its own that is none",
    change: (it) => (it.metadata.labels = { team: "my images" }),
    up: "metadata.labels.team is malformed (it is \"my images\"; allowed: a label's value: at most 63 letters, digits and inner dots, hyphens and underscores). Write a label's value: at most 63 letters, digits and inner dots, hyphens and underscores.",
    server:
      "metadata.labels: Invalid value: \"my images\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  },
  {
    name: "a null in a list",
    change: (it) => (it.spec.selector.matchExpressions = [null]),
    up: "spec.selector.matchExpressions[0] is not a map of fields (it is null; allowed: a map of fields). Write a map of fields.",
    server:
      'spec.selector.matchExpressions[0]: Invalid value: "null": spec.selector.matchExpressions[0] in body must be of type object: "null"',
  },
];

/** A scale that is valid but for the fields given here. */
function scale(over: Json): Json {
  return { targetRef: { kind: "Deployment", name: "worker" }, maxReplicas: 5, ...over };
}

/** Refused Capabilities. */
export const badCapabilities: readonly BadManifest[] = [
  {
    name: "a concurrency of none",
    change: (it) => (it.spec.concurrency = 0),
    up: "spec.concurrency is out of range (it is 0; allowed: 1 to 1000). Write a whole number from 1 to 1000.",
    server:
      "spec.concurrency: Invalid value: 0: spec.concurrency in body should be greater than or equal to 1",
  },
  {
    name: "a port that is none",
    change: (it) => (it.spec.deliver = { port: 70000 }),
    up: "spec.deliver.port is out of range (it is 70000; allowed: 1 to 65535). Write a whole number from 1 to 65535.",
    server:
      "spec.deliver.port: Invalid value: 70000: spec.deliver.port in body should be less than or equal to 65535",
  },
  {
    name: "a path without its slash",
    change: (it) => (it.spec.deliver = { port: 80, path: "work" }),
    up: 'spec.deliver.path is malformed (it is "work"; allowed: a path that begins with a slash). Write a path that begins with a slash.',
    server:
      'spec.deliver.path: Invalid value: "work": is malformed. Write a path that begins with a slash.',
  },
  {
    name: "a scale whose least is above its most",
    change: (it) => (it.spec.scale = scale({ minReplicas: 6 })),
    up: "spec.scale.minReplicas is above maxReplicas (it is 6; allowed: at most 5). Lower minReplicas or raise maxReplicas.",
    server:
      "spec.scale.minReplicas: Invalid value: is above maxReplicas. Lower minReplicas or raise maxReplicas.",
  },
  {
    name: "a scale without its most",
    change: (it) => (it.spec.scale = scale({ maxReplicas: undefined })),
    up: "spec.scale.maxReplicas is missing. Add it: replicas at most.",
    server: "spec.scale.maxReplicas: Required value",
  },
  {
    name: "a target of a kind that has no replicas",
    change: (it) => (it.spec.scale = scale({ targetRef: { kind: "DaemonSet", name: "worker" } })),
    up: 'spec.scale.targetRef.kind is not one of the allowed values (it is "DaemonSet"; allowed: Deployment, StatefulSet). Write Deployment or StatefulSet.',
    server:
      'spec.scale.targetRef.kind: Unsupported value: "DaemonSet": supported values: "Deployment", "StatefulSet"',
  },
  {
    name: "a target of another group",
    change: (it) =>
      (it.spec.scale = scale({
        targetRef: { apiVersion: "apps/v2", kind: "Deployment", name: "worker" },
      })),
    up: 'spec.scale.targetRef.apiVersion is not one of the allowed values (it is "apps/v2"; allowed: apps/v1). Write apps/v1.',
    server:
      'spec.scale.targetRef.apiVersion: Unsupported value: "apps/v2": supported values: "apps/v1"',
  },
  {
    name: "a target's name that is none",
    change: (it) => (it.spec.scale = scale({ targetRef: { kind: "Deployment", name: "Worker" } })),
    up: 'spec.scale.targetRef.name is malformed (it is "Worker"; allowed: a name of a to z, 0 to 9 and inner hyphens and dots). Write a name of a to z, 0 to 9 and inner hyphens and dots.',
    server:
      'spec.scale.targetRef.name: Invalid value: "Worker": is malformed. Write a name of a to z, 0 to 9 and inner hyphens and dots.',
  },
  {
    name: "an idle time out of its bounds",
    change: (it) => (it.spec.scale = scale({ idleAfter: "48h" })),
    up: 'spec.scale.idleAfter is out of range (it is "48h"; allowed: 1s to 24h). Write a duration from 1s to 24h.',
    server:
      'spec.scale.idleAfter: Invalid value: "48h": is out of range. Write a duration from 1s to 24h.',
  },
];
